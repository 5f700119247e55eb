pragma application_id = 1179928653;
CREATE TABLE "artifacts" (id text primary key,
    version integer not null, doc text not null,
    "createdAt" integer, "owner" text, "visibility" text, "runId" text, "kind" text, "name" text, "digest" text);
CREATE TABLE "attempts" (id text primary key,
    version integer not null, doc text not null,
    "createdAt" integer, "runId" text, "number" integer, "state" text, "backend" text);
CREATE TABLE counters (name text primary key, value integer not null) without rowid;
CREATE TABLE "datasetVersions" (id text primary key,
    version integer not null, doc text not null,
    "createdAt" integer, "datasetId" text, "number" integer, "digest" text);
CREATE TABLE "datasets" (id text primary key,
    version integer not null, doc text not null,
    "createdAt" integer, "owner" text, "visibility" text, "name" text, "format" text, "updatedAt" integer);
CREATE TABLE "deployments" (id text primary key,
    version integer not null, doc text not null,
    "createdAt" integer, "owner" text, "visibility" text, "name" text, "state" text, "backend" text, "moduleVersionId" text, "artifactId" text, "updatedAt" integer);
CREATE TABLE "endpoints" (id text primary key,
    version integer not null, doc text not null,
    "createdAt" integer, "deploymentId" text, "revisionId" text, "state" text, "backend" text);
CREATE TABLE events ("aggregateId" text not null, sequence integer not null, at integer not null,
          doc text not null, primary key ("aggregateId", sequence)) without rowid;
CREATE TABLE idempotency (scope text not null, key text not null, "inputDigest" text not null,
          answer text, "createdAt" integer not null, primary key (scope, key)) without rowid;
CREATE TABLE migrations (number integer
    primary key, name text not null, "appliedAt" integer not null);
CREATE TABLE "moduleFacets" (facet text not null, "valueKey" text not null,
          number integer not null, value text not null, primary key (facet, "valueKey", number)) without rowid;
CREATE TABLE "moduleIndex" (number integer primary key, id text not null unique,
          "titleKey" text not null, trainable integer not null, valid integer not null, owner text not null,
          visibility text not null, "createdAt" integer not null, "updatedAt" integer not null);
CREATE VIRTUAL TABLE "moduleText" using fts5(title, tags, summary, description, content='',
        contentless_delete=1, tokenize='unicode61 remove_diacritics 2', prefix='1 2 3 4');
CREATE TABLE "moduleVersions" (id text primary key,
    version integer not null, doc text not null,
    "createdAt" integer, "moduleId" text, "name" text, "digest" text);
CREATE TABLE "modules" (id text primary key,
    version integer not null, doc text not null,
    "createdAt" integer, "slug" text, "owner" text, "visibility" text, "title" text, "updatedAt" integer);
CREATE TABLE "predictions" (id text primary key,
    version integer not null, doc text not null,
    "createdAt" integer, "owner" text, "deploymentId" text, "revisionId" text, "outcome" text);
CREATE TABLE "revisions" (id text primary key,
    version integer not null, doc text not null,
    "createdAt" integer, "deploymentId" text, "number" integer, "moduleVersionId" text, "artifactId" text);
CREATE TABLE "splits" (id text primary key,
    version integer not null, doc text not null,
    "createdAt" integer, "datasetVersionId" text, "rule" text, "seed" integer, "testFraction" real);
CREATE TABLE "streamChunks" (stream text not null, first integer not null, last integer not null,
          position integer not null, length integer not null, primary key (stream, last)) without rowid;
CREATE TABLE "streamTail" (stream text not null, first integer not null, last integer not null,
          doc text not null, primary key (stream, last)) without rowid;
CREATE TABLE streams (name text primary key, head integer not null, bytes integer not null,
          dropped integer not null, ended integer not null, "fileBytes" integer not null, "tailBytes" integer not null) without rowid;
CREATE TABLE "trainingRuns" (id text primary key,
    version integer not null, doc text not null,
    "createdAt" integer, "owner" text, "visibility" text, "number" integer, "state" text, "moduleVersionId" text, "datasetVersionId" text, "backend" text, "updatedAt" integer);
CREATE TABLE "uploads" (id text primary key,
    version integer not null, doc text not null,
    "createdAt" integer, "owner" text, "datasetId" text, "state" text, "expiresAt" integer);
CREATE TABLE work (kind text not null, key text not null, "readyAt" integer not null,
          token integer, worker text, claims integer not null, "wishAt" integer, primary key (kind, key)) without rowid;
CREATE INDEX "artifacts_createdAt_id"
    on "artifacts" ("createdAt", "id");
CREATE INDEX "artifacts_digest_createdAt_id"
    on "artifacts" ("digest", "createdAt", "id");
CREATE INDEX "artifacts_kind_createdAt_id"
    on "artifacts" ("kind", "createdAt", "id");
CREATE INDEX "artifacts_name_createdAt_id"
    on "artifacts" ("name", "createdAt", "id");
CREATE INDEX "artifacts_owner_createdAt_id"
    on "artifacts" ("owner", "createdAt", "id");
CREATE INDEX "artifacts_runId_createdAt_id"
    on "artifacts" ("runId", "createdAt", "id");
CREATE UNIQUE INDEX "artifacts_unique_runId_name"
    on "artifacts" ("runId", "name");
CREATE INDEX "artifacts_visibility_createdAt_id"
    on "artifacts" ("visibility", "createdAt", "id");
CREATE INDEX "artifacts_visibility_owner"
    on "artifacts" ("visibility", "owner");
CREATE INDEX "attempts_backend_createdAt_id"
    on "attempts" ("backend", "createdAt", "id");
CREATE INDEX "attempts_createdAt_id"
    on "attempts" ("createdAt", "id");
CREATE INDEX "attempts_number_id"
    on "attempts" ("number", "id");
CREATE INDEX "attempts_runId_createdAt_id"
    on "attempts" ("runId", "createdAt", "id");
CREATE INDEX "attempts_state_createdAt_id"
    on "attempts" ("state", "createdAt", "id");
CREATE UNIQUE INDEX "attempts_unique_runId_number"
    on "attempts" ("runId", "number");
CREATE INDEX "datasetVersions_createdAt_id"
    on "datasetVersions" ("createdAt", "id");
CREATE INDEX "datasetVersions_datasetId_createdAt_id"
    on "datasetVersions" ("datasetId", "createdAt", "id");
CREATE INDEX "datasetVersions_digest_createdAt_id"
    on "datasetVersions" ("digest", "createdAt", "id");
CREATE INDEX "datasetVersions_number_id"
    on "datasetVersions" ("number", "id");
CREATE UNIQUE INDEX "datasetVersions_unique_datasetId_number"
    on "datasetVersions" ("datasetId", "number");
CREATE INDEX "datasets_createdAt_id"
    on "datasets" ("createdAt", "id");
CREATE INDEX "datasets_format_createdAt_id"
    on "datasets" ("format", "createdAt", "id");
CREATE INDEX "datasets_name_createdAt_id"
    on "datasets" ("name", "createdAt", "id");
CREATE INDEX "datasets_owner_createdAt_id"
    on "datasets" ("owner", "createdAt", "id");
CREATE INDEX "datasets_owner_updatedAt_id"
    on "datasets" ("owner", "updatedAt", "id");
CREATE UNIQUE INDEX "datasets_unique_owner_name"
    on "datasets" ("owner", "name");
CREATE INDEX "datasets_updatedAt_id"
    on "datasets" ("updatedAt", "id");
CREATE INDEX "datasets_visibility_createdAt_id"
    on "datasets" ("visibility", "createdAt", "id");
CREATE INDEX "datasets_visibility_owner"
    on "datasets" ("visibility", "owner");
CREATE INDEX "datasets_visibility_updatedAt_id"
    on "datasets" ("visibility", "updatedAt", "id");
CREATE INDEX "deployments_artifactId_createdAt_id"
    on "deployments" ("artifactId", "createdAt", "id");
CREATE INDEX "deployments_backend_createdAt_id"
    on "deployments" ("backend", "createdAt", "id");
CREATE INDEX "deployments_createdAt_id"
    on "deployments" ("createdAt", "id");
CREATE INDEX "deployments_moduleVersionId_createdAt_id"
    on "deployments" ("moduleVersionId", "createdAt", "id");
CREATE INDEX "deployments_name_createdAt_id"
    on "deployments" ("name", "createdAt", "id");
CREATE INDEX "deployments_owner_createdAt_id"
    on "deployments" ("owner", "createdAt", "id");
CREATE INDEX "deployments_owner_updatedAt_id"
    on "deployments" ("owner", "updatedAt", "id");
CREATE INDEX "deployments_state_createdAt_id"
    on "deployments" ("state", "createdAt", "id");
CREATE INDEX "deployments_state_owner_visibility"
    on "deployments" ("state", "owner", "visibility");
CREATE INDEX "deployments_updatedAt_id"
    on "deployments" ("updatedAt", "id");
CREATE INDEX "deployments_visibility_createdAt_id"
    on "deployments" ("visibility", "createdAt", "id");
CREATE INDEX "deployments_visibility_owner"
    on "deployments" ("visibility", "owner");
CREATE INDEX "deployments_visibility_updatedAt_id"
    on "deployments" ("visibility", "updatedAt", "id");
CREATE INDEX "endpoints_backend_createdAt_id"
    on "endpoints" ("backend", "createdAt", "id");
CREATE INDEX "endpoints_createdAt_id"
    on "endpoints" ("createdAt", "id");
CREATE INDEX "endpoints_deploymentId_createdAt_id"
    on "endpoints" ("deploymentId", "createdAt", "id");
CREATE INDEX "endpoints_revisionId_createdAt_id"
    on "endpoints" ("revisionId", "createdAt", "id");
CREATE INDEX "endpoints_state_createdAt_id"
    on "endpoints" ("state", "createdAt", "id");
CREATE UNIQUE INDEX "endpoints_unique_revisionId"
    on "endpoints" ("revisionId");
CREATE INDEX "moduleFacets_number" on "moduleFacets" (number);
CREATE INDEX "moduleIndex_createdAt" on "moduleIndex" ("createdAt", id);
CREATE INDEX "moduleIndex_titleKey" on "moduleIndex" ("titleKey", id);
CREATE INDEX "moduleIndex_updatedAt" on "moduleIndex" ("updatedAt", id);
CREATE INDEX "moduleVersions_createdAt_id"
    on "moduleVersions" ("createdAt", "id");
CREATE INDEX "moduleVersions_digest_createdAt_id"
    on "moduleVersions" ("digest", "createdAt", "id");
CREATE INDEX "moduleVersions_moduleId_createdAt_id"
    on "moduleVersions" ("moduleId", "createdAt", "id");
CREATE INDEX "moduleVersions_name_createdAt_id"
    on "moduleVersions" ("name", "createdAt", "id");
CREATE UNIQUE INDEX "moduleVersions_unique_moduleId_digest"
    on "moduleVersions" ("moduleId", "digest");
CREATE INDEX "modules_createdAt_id"
    on "modules" ("createdAt", "id");
CREATE INDEX "modules_owner_createdAt_id"
    on "modules" ("owner", "createdAt", "id");
CREATE INDEX "modules_owner_updatedAt_id"
    on "modules" ("owner", "updatedAt", "id");
CREATE INDEX "modules_slug_createdAt_id"
    on "modules" ("slug", "createdAt", "id");
CREATE INDEX "modules_title_createdAt_id"
    on "modules" ("title", "createdAt", "id");
CREATE UNIQUE INDEX "modules_unique_slug"
    on "modules" ("slug");
CREATE INDEX "modules_updatedAt_id"
    on "modules" ("updatedAt", "id");
CREATE INDEX "modules_visibility_createdAt_id"
    on "modules" ("visibility", "createdAt", "id");
CREATE INDEX "modules_visibility_owner"
    on "modules" ("visibility", "owner");
CREATE INDEX "modules_visibility_updatedAt_id"
    on "modules" ("visibility", "updatedAt", "id");
CREATE INDEX "predictions_createdAt_id"
    on "predictions" ("createdAt", "id");
CREATE INDEX "predictions_deploymentId_createdAt_id"
    on "predictions" ("deploymentId", "createdAt", "id");
CREATE INDEX "predictions_outcome_createdAt_id"
    on "predictions" ("outcome", "createdAt", "id");
CREATE INDEX "predictions_owner_createdAt_id"
    on "predictions" ("owner", "createdAt", "id");
CREATE INDEX "predictions_revisionId_createdAt_id"
    on "predictions" ("revisionId", "createdAt", "id");
CREATE INDEX "revisions_artifactId_createdAt_id"
    on "revisions" ("artifactId", "createdAt", "id");
CREATE INDEX "revisions_createdAt_id"
    on "revisions" ("createdAt", "id");
CREATE INDEX "revisions_deploymentId_createdAt_id"
    on "revisions" ("deploymentId", "createdAt", "id");
CREATE INDEX "revisions_moduleVersionId_createdAt_id"
    on "revisions" ("moduleVersionId", "createdAt", "id");
CREATE INDEX "revisions_number_id"
    on "revisions" ("number", "id");
CREATE UNIQUE INDEX "revisions_unique_deploymentId_number"
    on "revisions" ("deploymentId", "number");
CREATE INDEX "splits_createdAt_id"
    on "splits" ("createdAt", "id");
CREATE INDEX "splits_datasetVersionId_createdAt_id"
    on "splits" ("datasetVersionId", "createdAt", "id");
CREATE INDEX "splits_rule_createdAt_id"
    on "splits" ("rule", "createdAt", "id");
CREATE INDEX "splits_seed_id"
    on "splits" ("seed", "id");
CREATE INDEX "splits_testFraction_id"
    on "splits" ("testFraction", "id");
CREATE UNIQUE INDEX "splits_unique_datasetVersionId_rule_seed_testFraction"
    on "splits" ("datasetVersionId", "rule", "seed", "testFraction");
CREATE INDEX "trainingRuns_backend_createdAt_id"
    on "trainingRuns" ("backend", "createdAt", "id");
CREATE INDEX "trainingRuns_createdAt_id"
    on "trainingRuns" ("createdAt", "id");
CREATE INDEX "trainingRuns_datasetVersionId_createdAt_id"
    on "trainingRuns" ("datasetVersionId", "createdAt", "id");
CREATE INDEX "trainingRuns_moduleVersionId_createdAt_id"
    on "trainingRuns" ("moduleVersionId", "createdAt", "id");
CREATE INDEX "trainingRuns_number_id"
    on "trainingRuns" ("number", "id");
CREATE INDEX "trainingRuns_owner_createdAt_id"
    on "trainingRuns" ("owner", "createdAt", "id");
CREATE INDEX "trainingRuns_owner_updatedAt_id"
    on "trainingRuns" ("owner", "updatedAt", "id");
CREATE INDEX "trainingRuns_state_createdAt_id"
    on "trainingRuns" ("state", "createdAt", "id");
CREATE INDEX "trainingRuns_state_owner_visibility"
    on "trainingRuns" ("state", "owner", "visibility");
CREATE UNIQUE INDEX "trainingRuns_unique_number"
    on "trainingRuns" ("number");
CREATE INDEX "trainingRuns_updatedAt_id"
    on "trainingRuns" ("updatedAt", "id");
CREATE INDEX "trainingRuns_visibility_createdAt_id"
    on "trainingRuns" ("visibility", "createdAt", "id");
CREATE INDEX "trainingRuns_visibility_owner"
    on "trainingRuns" ("visibility", "owner");
CREATE INDEX "trainingRuns_visibility_updatedAt_id"
    on "trainingRuns" ("visibility", "updatedAt", "id");
CREATE INDEX "uploads_createdAt_id"
    on "uploads" ("createdAt", "id");
CREATE INDEX "uploads_datasetId_createdAt_id"
    on "uploads" ("datasetId", "createdAt", "id");
CREATE INDEX "uploads_expiresAt_id"
    on "uploads" ("expiresAt", "id");
CREATE INDEX "uploads_owner_createdAt_id"
    on "uploads" ("owner", "createdAt", "id");
CREATE INDEX "uploads_state_createdAt_id"
    on "uploads" ("state", "createdAt", "id");
CREATE INDEX "work_readyAt" on work (kind, "readyAt", key);
insert into "artifacts" ("id", "version", "doc", "createdAt", "owner", "visibility", "runId", "kind", "name", "digest") values ('art_01HF7YAT0E3PXGGPV04W9042MH', 1, '{"id":"art_01HF7YAT0E3PXGGPV04W9042MH","version":1,"owner":"alice","visibility":"PRIVATE","runId":"run_01HF7YAT0F3R8W591CSHTSFACN","attemptId":"att_01HF7YAT0G3SK8TW8RE6BHSJ3T","kind":"MODEL","name":"model","epoch":null,"files":[{"path":"model.json","bytes":12,"sha256":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}],"bytes":12,"digest":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","lineage":{"moduleVersionId":"mver_01HF7YAT0H3VYMFFE53TW93TVY","datasetVersionId":"dsv_01HF7YAT0J4W9042MHSFD1E2J3","splitId":"spl_01HF7YAT0K4YMCTPVXE4ZTRAA7","arguments":{},"seed":1},"metrics":{"accuracy":0.97},"createdAt":1000}', 1000, 'alice', 'PRIVATE', 'run_01HF7YAT0F3R8W591CSHTSFACN', 'MODEL', 'model', 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa');
insert into "attempts" ("id", "version", "doc", "createdAt", "runId", "number", "state", "backend") values ('att_01HF7YAT0C2K7Q6FE8SK6GGK58', 1, '{"id":"att_01HF7YAT0C2K7Q6FE8SK6GGK58","version":1,"runId":"run_01HF7YAT0D2MJ3V3NME7R8TVXC","number":1,"backend":"local","key":"run-1-1","handle":null,"state":"PLACED","stateSince":1000,"nativeState":null,"outcome":null,"logCursor":null,"observedAt":null,"createdAt":1000,"updatedAt":1000}', 1000, 'run_01HF7YAT0D2MJ3V3NME7R8TVXC', 1, 'PLACED', 'local');
insert into "counters" ("name", "value") values ('modules.number', 2);
insert into "counters" ("name", "value") values ('named.trainingRun', 1);
insert into "datasetVersions" ("id", "version", "doc", "createdAt", "datasetId", "number", "digest") values ('dsv_01HF7YAT0W6CPTQ2KBDZSNMHXG', 1, '{"id":"dsv_01HF7YAT0W6CPTQ2KBDZSNMHXG","version":1,"datasetId":"ds_01HF7YAT0X6D06CPTQ2KBDZSNM","number":1,"format":"IDX","target":null,"files":[],"exampleCount":0,"labels":[],"digest":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","defaultSplitId":"spl_01HF7YAT0Y6FBJ1903R8W591CS","createdAt":1000}', 1000, 'ds_01HF7YAT0X6D06CPTQ2KBDZSNM', 1, 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa');
insert into "datasets" ("id", "version", "doc", "createdAt", "owner", "visibility", "name", "format", "updatedAt") values ('ds_01HF7YAT0406GPYPW6FDXDYK94', 1, '{"id":"ds_01HF7YAT0406GPYPW6FDXDYK94","version":1,"owner":"alice","visibility":"PRIVATE","name":"ds_01hf7yat0406gpypw6fdxdyk94","title":"Digits","description":"Handwritten digits.","licence":null,"latestVersionId":null,"format":null,"createdAt":1000,"updatedAt":1000}', 1000, 'alice', 'PRIVATE', 'ds_01hf7yat0406gpypw6fdxdyk94', null, 1000);
insert into "deployments" ("id", "version", "doc", "createdAt", "owner", "visibility", "name", "state", "backend", "moduleVersionId", "artifactId", "updatedAt") values ('dep_01HF7YAT0M4ZYRF9193SGJ2J1C', 1, '{"id":"dep_01HF7YAT0M4ZYRF9193SGJ2J1C","version":1,"owner":"alice","visibility":"PRIVATE","name":"digits","state":"ACTIVE","stateSince":1000,"requestedBackend":null,"backend":"local","replicas":1,"resources":{"cpus":1,"memoryMiB":2048,"gpus":null,"timeLimitSeconds":3600},"activeRevisionId":null,"latestRevisionId":"rev_01HF7YAT0N41954W7NRD1ACTSG","moduleVersionId":"mver_01HF7YAT0P42MHSFD1E2J3Q2GN","artifactId":null,"createdAt":1000,"updatedAt":1000}', 1000, 'alice', 'PRIVATE', 'digits', 'ACTIVE', 'local', 'mver_01HF7YAT0P42MHSFD1E2J3Q2GN', null, 1000);
insert into "endpoints" ("id", "version", "doc", "createdAt", "deploymentId", "revisionId", "state", "backend") values ('end_01HF7YAT158TQ7MFCRCSMGHSHR', 1, '{"id":"end_01HF7YAT158TQ7MFCRCSMGHSHR","version":1,"deploymentId":"dep_01HF7YAT168V2K92J42E58V18X","revisionId":"rev_01HF7YAT178XDZYNSHQ3P05901","backend":"local","key":"end-1","handle":{"backend":"local"},"state":"COLD","stateSince":1000,"replicas":1,"readyReplicas":0,"provenReplicas":[],"setbacks":0,"nativeState":null,"waiting":null,"warmth":null,"failure":null,"restarts":0,"placedAt":null,"observedAt":null,"createdAt":1000,"updatedAt":1000}', 1000, 'dep_01HF7YAT168V2K92J42E58V18X', 'rev_01HF7YAT178XDZYNSHQ3P05901', 'COLD', 'local');
insert into "events" ("aggregateId", "sequence", "at", "doc") values ('run_1', 1, 5, '{"type":"trainingRun.accepted"}');
insert into "events" ("aggregateId", "sequence", "at", "doc") values ('run_1', 2, 5, '{"type":"trainingRun.cancelRequested","by":"alice"}');
insert into "idempotency" ("scope", "key", "inputDigest", "answer", "createdAt") values ('alice create', 'key', 'digest', '{"id":"run_1"}', 1700000000000);
insert into "migrations" ("number", "name", "appliedAt") values (1, 'events, idempotency, counters, work, streams', 1700000000000);
insert into "migrations" ("number", "name", "appliedAt") values (2, 'index of modules, with facets', 1700000000000);
insert into "migrations" ("number", "name", "appliedAt") values (1000, 'full text of modules, by number', 1700000000000);
insert into "moduleFacets" ("facet", "valueKey", "number", "value") values ('LICENCE', 'apache-2.0', 1, 'Apache-2.0');
insert into "moduleFacets" ("facet", "valueKey", "number", "value") values ('LICENCE', 'apache-2.0', 2, 'Apache-2.0');
insert into "moduleFacets" ("facet", "valueKey", "number", "value") values ('TAG', 'sea', 1, 'sea');
insert into "moduleIndex" ("number", "id", "titleKey", "trainable", "valid", "owner", "visibility", "createdAt", "updatedAt") values (1, 'mod_01HF7YAT0102GJZW92FF94ZV3P', 'plankton', 1, 1, 'system', 'PUBLIC', 1000, 1000);
insert into "moduleIndex" ("number", "id", "titleKey", "trainable", "valid", "owner", "visibility", "createdAt", "updatedAt") values (2, 'mod_01HF7YAT0203VYMFFE53TW93TV', 'a module', 1, 1, 'system', 'PUBLIC', 1000, 1000);
insert into "moduleVersions" ("id", "version", "doc", "createdAt", "moduleId", "name", "digest") values ('mver_01HF7YAT0T5901DW7J3NQ402E7', 1, '{"id":"mver_01HF7YAT0T5901DW7J3NQ402E7","version":1,"moduleId":"mod_01HF7YAT0V6ABE2FDYRA8WAA6B","name":"1.0.0","digest":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","source":{"kind":"FOLDER","path":"modules/digits"},"document":{"swagger":"2.0"},"trainSchema":null,"predictSchema":{"type":"object"},"sample":null,"pretrained":true,"resources":{"training":{"cpus":1,"memoryMiB":2048,"gpus":null,"timeLimitSeconds":3600},"inference":{"cpus":1,"memoryMiB":2048,"gpus":null,"timeLimitSeconds":3600}},"createdAt":1000}', 1000, 'mod_01HF7YAT0V6ABE2FDYRA8WAA6B', '1.0.0', 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa');
insert into "modules" ("id", "version", "doc", "createdAt", "slug", "owner", "visibility", "title", "updatedAt") values ('mod_01HF7YAT0102GJZW92FF94ZV3P', 1, '{"id":"mod_01HF7YAT0102GJZW92FF94ZV3P","version":1,"owner":"system","visibility":"PUBLIC","slug":"first","title":"Plankton","summary":"","description":"","licence":"Apache-2.0","tags":["sea"],"tasks":[],"categories":[],"libraries":[],"dataTypes":[],"links":[],"doi":null,"metadataFormat":"AI4OS_V2","metadataVersion":"2.0.0","metadata":{"any":{"thing":[1,null,"ü"]}},"findings":[],"trainable":true,"latestVersionId":null,"createdAt":1000,"updatedAt":1000}', 1000, 'first', 'system', 'PUBLIC', 'Plankton', 1000);
insert into "modules" ("id", "version", "doc", "createdAt", "slug", "owner", "visibility", "title", "updatedAt") values ('mod_01HF7YAT0203VYMFFE53TW93TV', 1, '{"id":"mod_01HF7YAT0203VYMFFE53TW93TV","version":1,"owner":"system","visibility":"PUBLIC","slug":"mod_01hf7yat0203vymffe53tw93tv","title":"A module","summary":"","description":"","licence":"Apache-2.0","tags":[],"tasks":[],"categories":[],"libraries":[],"dataTypes":[],"links":[],"doi":null,"metadataFormat":"AI4OS_V2","metadataVersion":"2.0.0","metadata":{"any":{"thing":[1,null,"ü"]}},"findings":[],"trainable":true,"latestVersionId":null,"createdAt":1000,"updatedAt":1000}', 1000, 'mod_01hf7yat0203vymffe53tw93tv', 'system', 'PUBLIC', 'A module', 1000);
insert into "predictions" ("id", "version", "doc", "createdAt", "owner", "deploymentId", "revisionId", "outcome") values ('pred_01HF7YAT0Q54ZXE2ME3Q3V1A8S', 1, '{"id":"pred_01HF7YAT0Q54ZXE2ME3Q3V1A8S","version":1,"owner":"alice","deploymentId":"dep_01HF7YAT0R56A93PTTRCNKBJZY","revisionId":"rev_01HF7YAT0S57NNR906D06CPTQ2","outcome":"OK","message":null,"moduleMs":1.5,"totalMs":2,"createdAt":1000}', 1000, 'alice', 'dep_01HF7YAT0R56A93PTTRCNKBJZY', 'rev_01HF7YAT0S57NNR906D06CPTQ2', 'OK');
insert into "revisions" ("id", "version", "doc", "createdAt", "deploymentId", "number", "moduleVersionId", "artifactId") values ('rev_01HF7YAT117MCP02K7Q6FE8SK6', 1, '{"id":"rev_01HF7YAT117MCP02K7Q6FE8SK6","version":1,"deploymentId":"dep_01HF7YAT127NQ3NNSMDV17J1AB","number":1,"moduleVersionId":"mver_01HF7YAT137Q2FA9002GJZW92F","artifactId":null,"endpointId":"end_01HF7YAT148RDVZW6CQ53Q7HSM","createdAt":1000}', 1000, 'dep_01HF7YAT127NQ3NNSMDV17J1AB', 1, 'mver_01HF7YAT137Q2FA9002GJZW92F', null);
insert into "splits" ("id", "version", "doc", "createdAt", "datasetVersionId", "rule", "seed", "testFraction") values ('spl_01HF7YAT0518V2K92J42E58V18', 1, '{"id":"spl_01HF7YAT0518V2K92J42E58V18","version":1,"datasetVersionId":"dsv_01HF7YAT061A6E8W9ZTPZYJ3RD","rule":"STRATIFIED","seed":1,"testFraction":0.2,"trainCount":80,"testCount":20,"sha256":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","createdAt":1000}', 1000, 'dsv_01HF7YAT061A6E8W9ZTPZYJ3RD', 'STRATIFIED', 1, 0.2);
insert into "streamTail" ("stream", "first", "last", "doc") values ('run_1/log', 1, 3, '"a\nb"
{"at":1,"text":"ü😀"}
null');
insert into "streams" ("name", "head", "bytes", "dropped", "ended", "fileBytes", "tailBytes") values ('run_1/log', 3, 34, 0, 1, 0, 37);
insert into "trainingRuns" ("id", "version", "doc", "createdAt", "owner", "visibility", "number", "state", "moduleVersionId", "datasetVersionId", "backend", "updatedAt") values ('run_01HF7YAT081DW7J3NQ402E7K7P', 1, '{"id":"run_01HF7YAT081DW7J3NQ402E7K7P","version":1,"owner":"alice","visibility":"PRIVATE","number":8,"name":"a run","moduleVersionId":"mver_01HF7YAT092E7K7PV3SNK7HVZT","datasetVersionId":"dsv_01HF7YAT0A2GJZW92FF94ZV3PZ","splitId":"spl_01HF7YAT0B2HXBHW8W4YNQ6BE3","arguments":{"epochs":3},"seed":7,"resources":{"cpus":1,"memoryMiB":2048,"gpus":null,"timeLimitSeconds":3600},"requestedBackend":null,"backend":null,"resumeFrom":null,"state":"QUEUED","stateSince":1000,"waiting":null,"progress":null,"metrics":{},"outcome":null,"cancelRequestedAt":null,"observedAt":null,"attempts":0,"startedAt":null,"finishedAt":null,"createdAt":1000,"updatedAt":1000}', 1000, 'alice', 'PRIVATE', 8, 'QUEUED', 'mver_01HF7YAT092E7K7PV3SNK7HVZT', 'dsv_01HF7YAT0A2GJZW92FF94ZV3PZ', null, 1000);
insert into "uploads" ("id", "version", "doc", "createdAt", "owner", "datasetId", "state", "expiresAt") values ('upl_01HF7YAT0Z6GPYPW6FDXDYK94X', 1, '{"id":"upl_01HF7YAT0Z6GPYPW6FDXDYK94X","version":1,"owner":"alice","datasetId":"ds_01HF7YAT107J1ABFDV2JYPXHV2","path":"train.csv","bytes":10,"sha256":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","state":"OPEN","stateSince":1000,"refusal":null,"expiresAt":2000,"createdAt":1000}', 1000, 'alice', 'ds_01HF7YAT107J1ABFDV2JYPXHV2', 'OPEN', 2000);
insert into "work" ("kind", "key", "readyAt", "token", "worker", "claims", "wishAt") values ('run', 'run_1', 7, null, null, 0, null);
insert into "moduleText" (rowid, title, tags, summary, description) values (1, 'Plankton', 'first sea', '', '');
insert into "moduleText" (rowid, title, tags, summary, description) values (2, 'A module', 'mod_01hf7yat0203vymffe53tw93tv', '', '');
