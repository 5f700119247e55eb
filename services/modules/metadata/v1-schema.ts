import type { JsonObject } from '../../../domain/json.ts';

const text = { type: 'string' };
const uri = { type: 'string', format: 'uri' };

/** JSON Schema 2020-12 of the older format's `metadata.json`. */
export const v1Schema: JsonObject = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  type: 'object',
  required: ['title', 'summary', 'description', 'date_creation', 'keywords', 'license', 'sources'],
  properties: {
    title: text,
    summary: text,
    description: { type: 'array', items: text },
    date_creation: { type: 'string', format: 'date' },
    keywords: { type: 'array', uniqueItems: true, items: text },
    license: text,
    sources: {
      type: 'object',
      required: ['dockerfile_repo', 'docker_registry_repo', 'code'],
      properties: {
        dockerfile_repo: uri,
        docker_registry_repo: { type: 'string', format: 'uri-reference' },
        code: uri,
        pre_trained_weights: uri,
      },
    },
    cite_url: uri,
    dataset_url: uri,
    tosca: {
      type: 'array',
      items: {
        type: 'object',
        required: ['title', 'url', 'inputs'],
        properties: {
          title: text,
          url: uri,
          inputs: {
            type: 'array',
            items: {
              enum: ['rclone_conf', 'rclone_url', 'rclone_vendor', 'rclone_user', 'rclone_pass'],
            },
          },
        },
      },
    },
  },
};
