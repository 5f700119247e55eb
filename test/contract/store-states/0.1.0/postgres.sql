CREATE TABLE artifacts (
    id text NOT NULL COLLATE pg_catalog."C",
    version bigint NOT NULL,
    doc text NOT NULL COLLATE pg_catalog."C",
    "createdAt" bigint,
    owner text COLLATE pg_catalog."C",
    visibility text COLLATE pg_catalog."C",
    "runId" text COLLATE pg_catalog."C",
    kind text COLLATE pg_catalog."C",
    name text COLLATE pg_catalog."C",
    digest text COLLATE pg_catalog."C"
);
CREATE TABLE attempts (
    id text NOT NULL COLLATE pg_catalog."C",
    version bigint NOT NULL,
    doc text NOT NULL COLLATE pg_catalog."C",
    "createdAt" bigint,
    "runId" text COLLATE pg_catalog."C",
    number bigint,
    state text COLLATE pg_catalog."C",
    backend text COLLATE pg_catalog."C"
);
CREATE TABLE counters (
    name text NOT NULL COLLATE pg_catalog."C",
    value bigint NOT NULL
);
CREATE TABLE "datasetVersions" (
    id text NOT NULL COLLATE pg_catalog."C",
    version bigint NOT NULL,
    doc text NOT NULL COLLATE pg_catalog."C",
    "createdAt" bigint,
    "datasetId" text COLLATE pg_catalog."C",
    number bigint,
    digest text COLLATE pg_catalog."C"
);
CREATE TABLE datasets (
    id text NOT NULL COLLATE pg_catalog."C",
    version bigint NOT NULL,
    doc text NOT NULL COLLATE pg_catalog."C",
    "createdAt" bigint,
    owner text COLLATE pg_catalog."C",
    visibility text COLLATE pg_catalog."C",
    name text COLLATE pg_catalog."C",
    format text COLLATE pg_catalog."C",
    "updatedAt" bigint
);
CREATE TABLE deployments (
    id text NOT NULL COLLATE pg_catalog."C",
    version bigint NOT NULL,
    doc text NOT NULL COLLATE pg_catalog."C",
    "createdAt" bigint,
    owner text COLLATE pg_catalog."C",
    visibility text COLLATE pg_catalog."C",
    name text COLLATE pg_catalog."C",
    state text COLLATE pg_catalog."C",
    backend text COLLATE pg_catalog."C",
    "moduleVersionId" text COLLATE pg_catalog."C",
    "artifactId" text COLLATE pg_catalog."C",
    "updatedAt" bigint
);
CREATE TABLE endpoints (
    id text NOT NULL COLLATE pg_catalog."C",
    version bigint NOT NULL,
    doc text NOT NULL COLLATE pg_catalog."C",
    "createdAt" bigint,
    "deploymentId" text COLLATE pg_catalog."C",
    "revisionId" text COLLATE pg_catalog."C",
    state text COLLATE pg_catalog."C",
    backend text COLLATE pg_catalog."C"
);
CREATE TABLE events (
    "aggregateId" text NOT NULL COLLATE pg_catalog."C",
    sequence bigint NOT NULL,
    at bigint NOT NULL,
    doc text NOT NULL COLLATE pg_catalog."C"
);
CREATE TABLE idempotency (
    scope text NOT NULL COLLATE pg_catalog."C",
    key text NOT NULL COLLATE pg_catalog."C",
    "inputDigest" text NOT NULL COLLATE pg_catalog."C",
    answer text COLLATE pg_catalog."C",
    "createdAt" bigint NOT NULL
);
CREATE TABLE migrations (
    number bigint NOT NULL,
    name text NOT NULL COLLATE pg_catalog."C",
    "appliedAt" bigint NOT NULL
);
CREATE TABLE "moduleFacets" (
    facet text NOT NULL COLLATE pg_catalog."C",
    "valueKey" text NOT NULL COLLATE pg_catalog."C",
    number bigint NOT NULL,
    value text NOT NULL COLLATE pg_catalog."C"
);
CREATE TABLE "moduleIndex" (
    number bigint NOT NULL,
    id text NOT NULL COLLATE pg_catalog."C",
    "titleKey" text NOT NULL COLLATE pg_catalog."C",
    trainable bigint NOT NULL,
    valid bigint NOT NULL,
    owner text NOT NULL COLLATE pg_catalog."C",
    visibility text NOT NULL COLLATE pg_catalog."C",
    "createdAt" bigint NOT NULL,
    "updatedAt" bigint NOT NULL
);
CREATE TABLE "moduleText" (
    number bigint NOT NULL,
    words tsvector NOT NULL
);
CREATE TABLE "moduleVersions" (
    id text NOT NULL COLLATE pg_catalog."C",
    version bigint NOT NULL,
    doc text NOT NULL COLLATE pg_catalog."C",
    "createdAt" bigint,
    "moduleId" text COLLATE pg_catalog."C",
    name text COLLATE pg_catalog."C",
    digest text COLLATE pg_catalog."C"
);
CREATE TABLE modules (
    id text NOT NULL COLLATE pg_catalog."C",
    version bigint NOT NULL,
    doc text NOT NULL COLLATE pg_catalog."C",
    "createdAt" bigint,
    slug text COLLATE pg_catalog."C",
    owner text COLLATE pg_catalog."C",
    visibility text COLLATE pg_catalog."C",
    title text COLLATE pg_catalog."C",
    "updatedAt" bigint
);
CREATE TABLE predictions (
    id text NOT NULL COLLATE pg_catalog."C",
    version bigint NOT NULL,
    doc text NOT NULL COLLATE pg_catalog."C",
    "createdAt" bigint,
    owner text COLLATE pg_catalog."C",
    "deploymentId" text COLLATE pg_catalog."C",
    "revisionId" text COLLATE pg_catalog."C",
    outcome text COLLATE pg_catalog."C"
);
CREATE TABLE revisions (
    id text NOT NULL COLLATE pg_catalog."C",
    version bigint NOT NULL,
    doc text NOT NULL COLLATE pg_catalog."C",
    "createdAt" bigint,
    "deploymentId" text COLLATE pg_catalog."C",
    number bigint,
    "moduleVersionId" text COLLATE pg_catalog."C",
    "artifactId" text COLLATE pg_catalog."C"
);
CREATE TABLE splits (
    id text NOT NULL COLLATE pg_catalog."C",
    version bigint NOT NULL,
    doc text NOT NULL COLLATE pg_catalog."C",
    "createdAt" bigint,
    "datasetVersionId" text COLLATE pg_catalog."C",
    rule text COLLATE pg_catalog."C",
    seed bigint,
    "testFraction" double precision
);
CREATE TABLE "streamChunks" (
    stream text NOT NULL COLLATE pg_catalog."C",
    first bigint NOT NULL,
    last bigint NOT NULL,
    "position" bigint NOT NULL,
    length bigint NOT NULL
);
CREATE TABLE "streamSegments" (
    stream text NOT NULL COLLATE pg_catalog."C",
    "position" bigint NOT NULL,
    doc text NOT NULL COLLATE pg_catalog."C"
);
CREATE TABLE "streamTail" (
    stream text NOT NULL COLLATE pg_catalog."C",
    first bigint NOT NULL,
    last bigint NOT NULL,
    doc text NOT NULL COLLATE pg_catalog."C"
);
CREATE TABLE streams (
    name text NOT NULL COLLATE pg_catalog."C",
    head bigint NOT NULL,
    bytes bigint NOT NULL,
    dropped bigint NOT NULL,
    ended bigint NOT NULL,
    "fileBytes" bigint NOT NULL,
    "tailBytes" bigint NOT NULL
);
CREATE TABLE "trainingRuns" (
    id text NOT NULL COLLATE pg_catalog."C",
    version bigint NOT NULL,
    doc text NOT NULL COLLATE pg_catalog."C",
    "createdAt" bigint,
    owner text COLLATE pg_catalog."C",
    visibility text COLLATE pg_catalog."C",
    number bigint,
    state text COLLATE pg_catalog."C",
    "moduleVersionId" text COLLATE pg_catalog."C",
    "datasetVersionId" text COLLATE pg_catalog."C",
    backend text COLLATE pg_catalog."C",
    "updatedAt" bigint
);
CREATE TABLE uploads (
    id text NOT NULL COLLATE pg_catalog."C",
    version bigint NOT NULL,
    doc text NOT NULL COLLATE pg_catalog."C",
    "createdAt" bigint,
    owner text COLLATE pg_catalog."C",
    "datasetId" text COLLATE pg_catalog."C",
    state text COLLATE pg_catalog."C",
    "expiresAt" bigint
);
CREATE TABLE work (
    kind text NOT NULL COLLATE pg_catalog."C",
    key text NOT NULL COLLATE pg_catalog."C",
    "readyAt" bigint NOT NULL,
    token bigint,
    worker text COLLATE pg_catalog."C",
    claims bigint NOT NULL,
    "wishAt" bigint
);
CREATE SEQUENCE "workToken"
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
CREATE TABLE writers (
    number bigint
);
INSERT INTO artifacts VALUES ('art_01HF7YAT0E3PXGGPV04W9042MH', 1, '{"id":"art_01HF7YAT0E3PXGGPV04W9042MH","version":1,"owner":"alice","visibility":"PRIVATE","runId":"run_01HF7YAT0F3R8W591CSHTSFACN","attemptId":"att_01HF7YAT0G3SK8TW8RE6BHSJ3T","kind":"MODEL","name":"model","epoch":null,"files":[{"path":"model.json","bytes":12,"sha256":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}],"bytes":12,"digest":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","lineage":{"moduleVersionId":"mver_01HF7YAT0H3VYMFFE53TW93TVY","datasetVersionId":"dsv_01HF7YAT0J4W9042MHSFD1E2J3","splitId":"spl_01HF7YAT0K4YMCTPVXE4ZTRAA7","arguments":{},"seed":1},"metrics":{"accuracy":0.97},"createdAt":1000}', 1000, 'alice', 'PRIVATE', 'run_01HF7YAT0F3R8W591CSHTSFACN', 'MODEL', 'model', 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa');
INSERT INTO attempts VALUES ('att_01HF7YAT0C2K7Q6FE8SK6GGK58', 1, '{"id":"att_01HF7YAT0C2K7Q6FE8SK6GGK58","version":1,"runId":"run_01HF7YAT0D2MJ3V3NME7R8TVXC","number":1,"backend":"local","key":"run-1-1","handle":null,"state":"PLACED","stateSince":1000,"nativeState":null,"outcome":null,"logCursor":null,"observedAt":null,"createdAt":1000,"updatedAt":1000}', 1000, 'run_01HF7YAT0D2MJ3V3NME7R8TVXC', 1, 'PLACED', 'local');
INSERT INTO counters VALUES ('modules.number', 2);
INSERT INTO counters VALUES ('named.trainingRun', 1);
INSERT INTO "datasetVersions" VALUES ('dsv_01HF7YAT0W6CPTQ2KBDZSNMHXG', 1, '{"id":"dsv_01HF7YAT0W6CPTQ2KBDZSNMHXG","version":1,"datasetId":"ds_01HF7YAT0X6D06CPTQ2KBDZSNM","number":1,"format":"IDX","target":null,"files":[],"exampleCount":0,"labels":[],"digest":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","defaultSplitId":"spl_01HF7YAT0Y6FBJ1903R8W591CS","createdAt":1000}', 1000, 'ds_01HF7YAT0X6D06CPTQ2KBDZSNM', 1, 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa');
INSERT INTO datasets VALUES ('ds_01HF7YAT0406GPYPW6FDXDYK94', 1, '{"id":"ds_01HF7YAT0406GPYPW6FDXDYK94","version":1,"owner":"alice","visibility":"PRIVATE","name":"ds_01hf7yat0406gpypw6fdxdyk94","title":"Digits","description":"Handwritten digits.","licence":null,"latestVersionId":null,"format":null,"createdAt":1000,"updatedAt":1000}', 1000, 'alice', 'PRIVATE', 'ds_01hf7yat0406gpypw6fdxdyk94', NULL, 1000);
INSERT INTO deployments VALUES ('dep_01HF7YAT0M4ZYRF9193SGJ2J1C', 1, '{"id":"dep_01HF7YAT0M4ZYRF9193SGJ2J1C","version":1,"owner":"alice","visibility":"PRIVATE","name":"digits","state":"ACTIVE","stateSince":1000,"requestedBackend":null,"backend":"local","replicas":1,"resources":{"cpus":1,"memoryMiB":2048,"gpus":null,"timeLimitSeconds":3600},"activeRevisionId":null,"latestRevisionId":"rev_01HF7YAT0N41954W7NRD1ACTSG","moduleVersionId":"mver_01HF7YAT0P42MHSFD1E2J3Q2GN","artifactId":null,"createdAt":1000,"updatedAt":1000}', 1000, 'alice', 'PRIVATE', 'digits', 'ACTIVE', 'local', 'mver_01HF7YAT0P42MHSFD1E2J3Q2GN', NULL, 1000);
INSERT INTO endpoints VALUES ('end_01HF7YAT158TQ7MFCRCSMGHSHR', 1, '{"id":"end_01HF7YAT158TQ7MFCRCSMGHSHR","version":1,"deploymentId":"dep_01HF7YAT168V2K92J42E58V18X","revisionId":"rev_01HF7YAT178XDZYNSHQ3P05901","backend":"local","key":"end-1","handle":{"backend":"local"},"state":"COLD","stateSince":1000,"replicas":1,"readyReplicas":0,"provenReplicas":[],"setbacks":0,"nativeState":null,"waiting":null,"warmth":null,"failure":null,"restarts":0,"placedAt":null,"observedAt":null,"createdAt":1000,"updatedAt":1000}', 1000, 'dep_01HF7YAT168V2K92J42E58V18X', 'rev_01HF7YAT178XDZYNSHQ3P05901', 'COLD', 'local');
INSERT INTO events VALUES ('run_1', 1, 5, '{"type":"trainingRun.accepted"}');
INSERT INTO events VALUES ('run_1', 2, 5, '{"type":"trainingRun.cancelRequested","by":"alice"}');
INSERT INTO idempotency VALUES ('alice create', 'key', 'digest', '{"id":"run_1"}', 1700000000000);
INSERT INTO migrations VALUES (1, 'events, idempotency, counters, work, streams', 1700000000000);
INSERT INTO migrations VALUES (2, 'index of modules, with facets', 1700000000000);
INSERT INTO migrations VALUES (1000, 'lane of writers, tokens of leases', 1700000000000);
INSERT INTO migrations VALUES (1001, 'segments of streams, as rows', 1700000000000);
INSERT INTO migrations VALUES (1002, 'full text of modules, by weighted words', 1700000000000);
INSERT INTO "moduleFacets" VALUES ('TAG', 'sea', 1, 'sea');
INSERT INTO "moduleFacets" VALUES ('LICENCE', 'apache-2.0', 1, 'Apache-2.0');
INSERT INTO "moduleFacets" VALUES ('LICENCE', 'apache-2.0', 2, 'Apache-2.0');
INSERT INTO "moduleIndex" VALUES (1, 'mod_01HF7YAT0102GJZW92FF94ZV3P', 'plankton', 1, 1, 'system', 'PUBLIC', 1000, 1000);
INSERT INTO "moduleIndex" VALUES (2, 'mod_01HF7YAT0203VYMFFE53TW93TV', 'a module', 1, 1, 'system', 'PUBLIC', 1000, 1000);
INSERT INTO "moduleText" VALUES (1, '''first'':2B ''plankton'':1A ''sea'':3B');
INSERT INTO "moduleText" VALUES (2, '''01hf7yat0203vymffe53tw93tv'':4B ''a'':1A ''mod'':3B ''module'':2A');
INSERT INTO "moduleVersions" VALUES ('mver_01HF7YAT0T5901DW7J3NQ402E7', 1, '{"id":"mver_01HF7YAT0T5901DW7J3NQ402E7","version":1,"moduleId":"mod_01HF7YAT0V6ABE2FDYRA8WAA6B","name":"1.0.0","digest":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","source":{"kind":"FOLDER","path":"modules/digits"},"document":{"swagger":"2.0"},"trainSchema":null,"predictSchema":{"type":"object"},"sample":null,"pretrained":true,"resources":{"training":{"cpus":1,"memoryMiB":2048,"gpus":null,"timeLimitSeconds":3600},"inference":{"cpus":1,"memoryMiB":2048,"gpus":null,"timeLimitSeconds":3600}},"createdAt":1000}', 1000, 'mod_01HF7YAT0V6ABE2FDYRA8WAA6B', '1.0.0', 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa');
INSERT INTO modules VALUES ('mod_01HF7YAT0102GJZW92FF94ZV3P', 1, '{"id":"mod_01HF7YAT0102GJZW92FF94ZV3P","version":1,"owner":"system","visibility":"PUBLIC","slug":"first","title":"Plankton","summary":"","description":"","licence":"Apache-2.0","tags":["sea"],"tasks":[],"categories":[],"libraries":[],"dataTypes":[],"links":[],"doi":null,"metadataFormat":"AI4OS_V2","metadataVersion":"2.0.0","metadata":{"any":{"thing":[1,null,"ü"]}},"findings":[],"trainable":true,"latestVersionId":null,"createdAt":1000,"updatedAt":1000}', 1000, 'first', 'system', 'PUBLIC', 'Plankton', 1000);
INSERT INTO modules VALUES ('mod_01HF7YAT0203VYMFFE53TW93TV', 1, '{"id":"mod_01HF7YAT0203VYMFFE53TW93TV","version":1,"owner":"system","visibility":"PUBLIC","slug":"mod_01hf7yat0203vymffe53tw93tv","title":"A module","summary":"","description":"","licence":"Apache-2.0","tags":[],"tasks":[],"categories":[],"libraries":[],"dataTypes":[],"links":[],"doi":null,"metadataFormat":"AI4OS_V2","metadataVersion":"2.0.0","metadata":{"any":{"thing":[1,null,"ü"]}},"findings":[],"trainable":true,"latestVersionId":null,"createdAt":1000,"updatedAt":1000}', 1000, 'mod_01hf7yat0203vymffe53tw93tv', 'system', 'PUBLIC', 'A module', 1000);
INSERT INTO predictions VALUES ('pred_01HF7YAT0Q54ZXE2ME3Q3V1A8S', 1, '{"id":"pred_01HF7YAT0Q54ZXE2ME3Q3V1A8S","version":1,"owner":"alice","deploymentId":"dep_01HF7YAT0R56A93PTTRCNKBJZY","revisionId":"rev_01HF7YAT0S57NNR906D06CPTQ2","outcome":"OK","message":null,"moduleMs":1.5,"totalMs":2,"createdAt":1000}', 1000, 'alice', 'dep_01HF7YAT0R56A93PTTRCNKBJZY', 'rev_01HF7YAT0S57NNR906D06CPTQ2', 'OK');
INSERT INTO revisions VALUES ('rev_01HF7YAT117MCP02K7Q6FE8SK6', 1, '{"id":"rev_01HF7YAT117MCP02K7Q6FE8SK6","version":1,"deploymentId":"dep_01HF7YAT127NQ3NNSMDV17J1AB","number":1,"moduleVersionId":"mver_01HF7YAT137Q2FA9002GJZW92F","artifactId":null,"endpointId":"end_01HF7YAT148RDVZW6CQ53Q7HSM","createdAt":1000}', 1000, 'dep_01HF7YAT127NQ3NNSMDV17J1AB', 1, 'mver_01HF7YAT137Q2FA9002GJZW92F', NULL);
INSERT INTO splits VALUES ('spl_01HF7YAT0518V2K92J42E58V18', 1, '{"id":"spl_01HF7YAT0518V2K92J42E58V18","version":1,"datasetVersionId":"dsv_01HF7YAT061A6E8W9ZTPZYJ3RD","rule":"STRATIFIED","seed":1,"testFraction":0.2,"trainCount":80,"testCount":20,"sha256":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","createdAt":1000}', 1000, 'dsv_01HF7YAT061A6E8W9ZTPZYJ3RD', 'STRATIFIED', 1, 0.2);
INSERT INTO "streamTail" VALUES ('run_1/log', 1, 3, '"a\nb"
{"at":1,"text":"ü😀"}
null');
INSERT INTO streams VALUES ('run_1/log', 3, 34, 0, 1, 0, 37);
INSERT INTO "trainingRuns" VALUES ('run_01HF7YAT081DW7J3NQ402E7K7P', 1, '{"id":"run_01HF7YAT081DW7J3NQ402E7K7P","version":1,"owner":"alice","visibility":"PRIVATE","number":8,"name":"a run","moduleVersionId":"mver_01HF7YAT092E7K7PV3SNK7HVZT","datasetVersionId":"dsv_01HF7YAT0A2GJZW92FF94ZV3PZ","splitId":"spl_01HF7YAT0B2HXBHW8W4YNQ6BE3","arguments":{"epochs":3},"seed":7,"resources":{"cpus":1,"memoryMiB":2048,"gpus":null,"timeLimitSeconds":3600},"requestedBackend":null,"backend":null,"resumeFrom":null,"state":"QUEUED","stateSince":1000,"waiting":null,"progress":null,"metrics":{},"outcome":null,"cancelRequestedAt":null,"observedAt":null,"attempts":0,"startedAt":null,"finishedAt":null,"createdAt":1000,"updatedAt":1000}', 1000, 'alice', 'PRIVATE', 8, 'QUEUED', 'mver_01HF7YAT092E7K7PV3SNK7HVZT', 'dsv_01HF7YAT0A2GJZW92FF94ZV3PZ', NULL, 1000);
INSERT INTO uploads VALUES ('upl_01HF7YAT0Z6GPYPW6FDXDYK94X', 1, '{"id":"upl_01HF7YAT0Z6GPYPW6FDXDYK94X","version":1,"owner":"alice","datasetId":"ds_01HF7YAT107J1ABFDV2JYPXHV2","path":"train.csv","bytes":10,"sha256":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","state":"OPEN","stateSince":1000,"refusal":null,"expiresAt":2000,"createdAt":1000}', 1000, 'alice', 'ds_01HF7YAT107J1ABFDV2JYPXHV2', 'OPEN', 2000);
INSERT INTO work VALUES ('run', 'run_1', 7, NULL, NULL, 0, NULL);
SELECT pg_catalog.setval('"workToken"', 1, false);
ALTER TABLE ONLY artifacts
    ADD CONSTRAINT artifacts_pkey PRIMARY KEY (id);
ALTER TABLE ONLY attempts
    ADD CONSTRAINT attempts_pkey PRIMARY KEY (id);
ALTER TABLE ONLY counters
    ADD CONSTRAINT counters_pkey PRIMARY KEY (name);
ALTER TABLE ONLY "datasetVersions"
    ADD CONSTRAINT "datasetVersions_pkey" PRIMARY KEY (id);
ALTER TABLE ONLY datasets
    ADD CONSTRAINT datasets_pkey PRIMARY KEY (id);
ALTER TABLE ONLY deployments
    ADD CONSTRAINT deployments_pkey PRIMARY KEY (id);
ALTER TABLE ONLY endpoints
    ADD CONSTRAINT endpoints_pkey PRIMARY KEY (id);
ALTER TABLE ONLY events
    ADD CONSTRAINT events_pkey PRIMARY KEY ("aggregateId", sequence);
ALTER TABLE ONLY idempotency
    ADD CONSTRAINT idempotency_pkey PRIMARY KEY (scope, key);
ALTER TABLE ONLY migrations
    ADD CONSTRAINT migrations_pkey PRIMARY KEY (number);
ALTER TABLE ONLY "moduleFacets"
    ADD CONSTRAINT "moduleFacets_pkey" PRIMARY KEY (facet, "valueKey", number);
ALTER TABLE ONLY "moduleIndex"
    ADD CONSTRAINT "moduleIndex_id_key" UNIQUE (id);
ALTER TABLE ONLY "moduleIndex"
    ADD CONSTRAINT "moduleIndex_pkey" PRIMARY KEY (number);
ALTER TABLE ONLY "moduleText"
    ADD CONSTRAINT "moduleText_pkey" PRIMARY KEY (number);
ALTER TABLE ONLY "moduleVersions"
    ADD CONSTRAINT "moduleVersions_pkey" PRIMARY KEY (id);
ALTER TABLE ONLY modules
    ADD CONSTRAINT modules_pkey PRIMARY KEY (id);
ALTER TABLE ONLY predictions
    ADD CONSTRAINT predictions_pkey PRIMARY KEY (id);
ALTER TABLE ONLY revisions
    ADD CONSTRAINT revisions_pkey PRIMARY KEY (id);
ALTER TABLE ONLY splits
    ADD CONSTRAINT splits_pkey PRIMARY KEY (id);
ALTER TABLE ONLY "streamChunks"
    ADD CONSTRAINT "streamChunks_pkey" PRIMARY KEY (stream, last);
ALTER TABLE ONLY "streamSegments"
    ADD CONSTRAINT "streamSegments_pkey" PRIMARY KEY (stream, "position");
ALTER TABLE ONLY "streamTail"
    ADD CONSTRAINT "streamTail_pkey" PRIMARY KEY (stream, last);
ALTER TABLE ONLY streams
    ADD CONSTRAINT streams_pkey PRIMARY KEY (name);
ALTER TABLE ONLY "trainingRuns"
    ADD CONSTRAINT "trainingRuns_pkey" PRIMARY KEY (id);
ALTER TABLE ONLY uploads
    ADD CONSTRAINT uploads_pkey PRIMARY KEY (id);
ALTER TABLE ONLY work
    ADD CONSTRAINT work_pkey PRIMARY KEY (kind, key);
CREATE INDEX "artifacts_createdAt_id" ON artifacts USING btree ("createdAt", id);
CREATE INDEX "artifacts_digest_createdAt_id" ON artifacts USING btree (digest, "createdAt", id);
CREATE INDEX "artifacts_kind_createdAt_id" ON artifacts USING btree (kind, "createdAt", id);
CREATE INDEX "artifacts_name_createdAt_id" ON artifacts USING btree (name, "createdAt", id);
CREATE INDEX "artifacts_owner_createdAt_id" ON artifacts USING btree (owner, "createdAt", id);
CREATE INDEX "artifacts_runId_createdAt_id" ON artifacts USING btree ("runId", "createdAt", id);
CREATE UNIQUE INDEX "artifacts_unique_runId_name" ON artifacts USING btree ("runId", name);
CREATE INDEX "artifacts_visibility_createdAt_id" ON artifacts USING btree (visibility, "createdAt", id);
CREATE INDEX artifacts_visibility_owner ON artifacts USING btree (visibility, owner);
CREATE INDEX "attempts_backend_createdAt_id" ON attempts USING btree (backend, "createdAt", id);
CREATE INDEX "attempts_createdAt_id" ON attempts USING btree ("createdAt", id);
CREATE INDEX attempts_number_id ON attempts USING btree (number, id);
CREATE INDEX "attempts_runId_createdAt_id" ON attempts USING btree ("runId", "createdAt", id);
CREATE INDEX "attempts_state_createdAt_id" ON attempts USING btree (state, "createdAt", id);
CREATE UNIQUE INDEX "attempts_unique_runId_number" ON attempts USING btree ("runId", number);
CREATE INDEX "datasetVersions_createdAt_id" ON "datasetVersions" USING btree ("createdAt", id);
CREATE INDEX "datasetVersions_datasetId_createdAt_id" ON "datasetVersions" USING btree ("datasetId", "createdAt", id);
CREATE INDEX "datasetVersions_digest_createdAt_id" ON "datasetVersions" USING btree (digest, "createdAt", id);
CREATE INDEX "datasetVersions_number_id" ON "datasetVersions" USING btree (number, id);
CREATE UNIQUE INDEX "datasetVersions_unique_datasetId_number" ON "datasetVersions" USING btree ("datasetId", number);
CREATE INDEX "datasets_createdAt_id" ON datasets USING btree ("createdAt", id);
CREATE INDEX "datasets_format_createdAt_id" ON datasets USING btree (format, "createdAt", id);
CREATE INDEX "datasets_name_createdAt_id" ON datasets USING btree (name, "createdAt", id);
CREATE INDEX "datasets_owner_createdAt_id" ON datasets USING btree (owner, "createdAt", id);
CREATE INDEX "datasets_owner_updatedAt_id" ON datasets USING btree (owner, "updatedAt", id);
CREATE UNIQUE INDEX datasets_unique_owner_name ON datasets USING btree (owner, name);
CREATE INDEX "datasets_updatedAt_id" ON datasets USING btree ("updatedAt", id);
CREATE INDEX "datasets_visibility_createdAt_id" ON datasets USING btree (visibility, "createdAt", id);
CREATE INDEX datasets_visibility_owner ON datasets USING btree (visibility, owner);
CREATE INDEX "datasets_visibility_updatedAt_id" ON datasets USING btree (visibility, "updatedAt", id);
CREATE INDEX "deployments_artifactId_createdAt_id" ON deployments USING btree ("artifactId", "createdAt", id);
CREATE INDEX "deployments_backend_createdAt_id" ON deployments USING btree (backend, "createdAt", id);
CREATE INDEX "deployments_createdAt_id" ON deployments USING btree ("createdAt", id);
CREATE INDEX "deployments_moduleVersionId_createdAt_id" ON deployments USING btree ("moduleVersionId", "createdAt", id);
CREATE INDEX "deployments_name_createdAt_id" ON deployments USING btree (name, "createdAt", id);
CREATE INDEX "deployments_owner_createdAt_id" ON deployments USING btree (owner, "createdAt", id);
CREATE INDEX "deployments_owner_updatedAt_id" ON deployments USING btree (owner, "updatedAt", id);
CREATE INDEX "deployments_state_createdAt_id" ON deployments USING btree (state, "createdAt", id);
CREATE INDEX deployments_state_owner_visibility ON deployments USING btree (state, owner, visibility);
CREATE INDEX "deployments_updatedAt_id" ON deployments USING btree ("updatedAt", id);
CREATE INDEX "deployments_visibility_createdAt_id" ON deployments USING btree (visibility, "createdAt", id);
CREATE INDEX deployments_visibility_owner ON deployments USING btree (visibility, owner);
CREATE INDEX "deployments_visibility_updatedAt_id" ON deployments USING btree (visibility, "updatedAt", id);
CREATE INDEX "endpoints_backend_createdAt_id" ON endpoints USING btree (backend, "createdAt", id);
CREATE INDEX "endpoints_createdAt_id" ON endpoints USING btree ("createdAt", id);
CREATE INDEX "endpoints_deploymentId_createdAt_id" ON endpoints USING btree ("deploymentId", "createdAt", id);
CREATE INDEX "endpoints_revisionId_createdAt_id" ON endpoints USING btree ("revisionId", "createdAt", id);
CREATE INDEX "endpoints_state_createdAt_id" ON endpoints USING btree (state, "createdAt", id);
CREATE UNIQUE INDEX "endpoints_unique_revisionId" ON endpoints USING btree ("revisionId");
CREATE INDEX "moduleFacets_number" ON "moduleFacets" USING btree (number);
CREATE INDEX "moduleIndex_createdAt" ON "moduleIndex" USING btree ("createdAt", id);
CREATE INDEX "moduleIndex_titleKey" ON "moduleIndex" USING btree ("titleKey", id);
CREATE INDEX "moduleIndex_updatedAt" ON "moduleIndex" USING btree ("updatedAt", id);
CREATE INDEX "moduleText_words" ON "moduleText" USING gin (words) WITH (fastupdate=off);
CREATE INDEX "moduleVersions_createdAt_id" ON "moduleVersions" USING btree ("createdAt", id);
CREATE INDEX "moduleVersions_digest_createdAt_id" ON "moduleVersions" USING btree (digest, "createdAt", id);
CREATE INDEX "moduleVersions_moduleId_createdAt_id" ON "moduleVersions" USING btree ("moduleId", "createdAt", id);
CREATE INDEX "moduleVersions_name_createdAt_id" ON "moduleVersions" USING btree (name, "createdAt", id);
CREATE UNIQUE INDEX "moduleVersions_unique_moduleId_digest" ON "moduleVersions" USING btree ("moduleId", digest);
CREATE INDEX "modules_createdAt_id" ON modules USING btree ("createdAt", id);
CREATE INDEX "modules_owner_createdAt_id" ON modules USING btree (owner, "createdAt", id);
CREATE INDEX "modules_owner_updatedAt_id" ON modules USING btree (owner, "updatedAt", id);
CREATE INDEX "modules_slug_createdAt_id" ON modules USING btree (slug, "createdAt", id);
CREATE INDEX "modules_title_createdAt_id" ON modules USING btree (title, "createdAt", id);
CREATE UNIQUE INDEX modules_unique_slug ON modules USING btree (slug);
CREATE INDEX "modules_updatedAt_id" ON modules USING btree ("updatedAt", id);
CREATE INDEX "modules_visibility_createdAt_id" ON modules USING btree (visibility, "createdAt", id);
CREATE INDEX modules_visibility_owner ON modules USING btree (visibility, owner);
CREATE INDEX "modules_visibility_updatedAt_id" ON modules USING btree (visibility, "updatedAt", id);
CREATE INDEX "predictions_createdAt_id" ON predictions USING btree ("createdAt", id);
CREATE INDEX "predictions_deploymentId_createdAt_id" ON predictions USING btree ("deploymentId", "createdAt", id);
CREATE INDEX "predictions_outcome_createdAt_id" ON predictions USING btree (outcome, "createdAt", id);
CREATE INDEX "predictions_owner_createdAt_id" ON predictions USING btree (owner, "createdAt", id);
CREATE INDEX "predictions_revisionId_createdAt_id" ON predictions USING btree ("revisionId", "createdAt", id);
CREATE INDEX "revisions_artifactId_createdAt_id" ON revisions USING btree ("artifactId", "createdAt", id);
CREATE INDEX "revisions_createdAt_id" ON revisions USING btree ("createdAt", id);
CREATE INDEX "revisions_deploymentId_createdAt_id" ON revisions USING btree ("deploymentId", "createdAt", id);
CREATE INDEX "revisions_moduleVersionId_createdAt_id" ON revisions USING btree ("moduleVersionId", "createdAt", id);
CREATE INDEX revisions_number_id ON revisions USING btree (number, id);
CREATE UNIQUE INDEX "revisions_unique_deploymentId_number" ON revisions USING btree ("deploymentId", number);
CREATE INDEX "splits_createdAt_id" ON splits USING btree ("createdAt", id);
CREATE INDEX "splits_datasetVersionId_createdAt_id" ON splits USING btree ("datasetVersionId", "createdAt", id);
CREATE INDEX "splits_rule_createdAt_id" ON splits USING btree (rule, "createdAt", id);
CREATE INDEX splits_seed_id ON splits USING btree (seed, id);
CREATE INDEX "splits_testFraction_id" ON splits USING btree ("testFraction", id);
CREATE UNIQUE INDEX "splits_unique_datasetVersionId_rule_seed_testFraction" ON splits USING btree ("datasetVersionId", rule, seed, "testFraction");
CREATE INDEX "trainingRuns_backend_createdAt_id" ON "trainingRuns" USING btree (backend, "createdAt", id);
CREATE INDEX "trainingRuns_createdAt_id" ON "trainingRuns" USING btree ("createdAt", id);
CREATE INDEX "trainingRuns_datasetVersionId_createdAt_id" ON "trainingRuns" USING btree ("datasetVersionId", "createdAt", id);
CREATE INDEX "trainingRuns_moduleVersionId_createdAt_id" ON "trainingRuns" USING btree ("moduleVersionId", "createdAt", id);
CREATE INDEX "trainingRuns_number_id" ON "trainingRuns" USING btree (number, id);
CREATE INDEX "trainingRuns_owner_createdAt_id" ON "trainingRuns" USING btree (owner, "createdAt", id);
CREATE INDEX "trainingRuns_owner_updatedAt_id" ON "trainingRuns" USING btree (owner, "updatedAt", id);
CREATE INDEX "trainingRuns_state_createdAt_id" ON "trainingRuns" USING btree (state, "createdAt", id);
CREATE INDEX "trainingRuns_state_owner_visibility" ON "trainingRuns" USING btree (state, owner, visibility);
CREATE UNIQUE INDEX "trainingRuns_unique_number" ON "trainingRuns" USING btree (number);
CREATE INDEX "trainingRuns_updatedAt_id" ON "trainingRuns" USING btree ("updatedAt", id);
CREATE INDEX "trainingRuns_visibility_createdAt_id" ON "trainingRuns" USING btree (visibility, "createdAt", id);
CREATE INDEX "trainingRuns_visibility_owner" ON "trainingRuns" USING btree (visibility, owner);
CREATE INDEX "trainingRuns_visibility_updatedAt_id" ON "trainingRuns" USING btree (visibility, "updatedAt", id);
CREATE INDEX "uploads_createdAt_id" ON uploads USING btree ("createdAt", id);
CREATE INDEX "uploads_datasetId_createdAt_id" ON uploads USING btree ("datasetId", "createdAt", id);
CREATE INDEX "uploads_expiresAt_id" ON uploads USING btree ("expiresAt", id);
CREATE INDEX "uploads_owner_createdAt_id" ON uploads USING btree (owner, "createdAt", id);
CREATE INDEX "uploads_state_createdAt_id" ON uploads USING btree (state, "createdAt", id);
CREATE INDEX "work_readyAt" ON work USING btree (kind, "readyAt", key);
