/** What one data set may hold. Bytes and counts; times in milliseconds. */
export const datasetLimits = Object.freeze({
  nameLength: 100,
  titleLength: 200,
  descriptionLength: 20_000,
  licenceLength: 200,
  /** Files of one `createUploads`. */
  uploadsPerCall: 1000,
  fileBytes: 256 * 1024 ** 3,
  /** Uploads of one owner that are under way. */
  openUploads: 20_000,
  /** An upload that is not complete by then is forgotten. */
  uploadLifetime: 7 * 24 * 3600 * 1000,
  pathBytes: 1024,
  /** Of one part of a path between two `/`: what every file system takes. */
  segmentBytes: 255,
  filesPerVersion: 20_000,
  versionBytes: 1024 ** 4,
  examples: 10_000_000,
  distinctLabels: 10_000,
  labelLength: 200,
  /** Columns of a CSV, and characters of one of its rows. */
  csvColumns: 10_000,
  csvRowLength: 4 * 1024 * 1024,
  imageSide: 32_768,
  /** Findings about one version that are told; the rest is counted. */
  findings: 20,
});
