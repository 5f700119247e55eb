import type * as library from '@kubernetes/client-node';

/** The library's classes as the JSON that travels: times are texts there. */
type Plain<T> = T extends Date
  ? string
  : T extends readonly (infer Item)[]
    ? Plain<Item>[]
    : T extends object
      ? { [Name in keyof T]: Plain<T[Name]> }
      : T;

export type V1Job = Plain<library.V1Job>;
export type V1Pod = Plain<library.V1Pod>;
export type V1PodSpec = Plain<library.V1PodSpec>;
export type V1Container = Plain<library.V1Container>;
export type V1ContainerStateTerminated = Plain<library.V1ContainerStateTerminated>;
export type V1Deployment = Plain<library.V1Deployment>;
export type V1Secret = Plain<library.V1Secret>;
export type V1ConfigMap = Plain<library.V1ConfigMap>;
export type V1Service = Plain<library.V1Service>;
export type V1ObjectMeta = Plain<library.V1ObjectMeta>;
export type V1Node = Plain<library.V1Node>;
export type V1Affinity = Plain<library.V1Affinity>;
export type V1Volume = Plain<library.V1Volume>;
export type V1VolumeMount = Plain<library.V1VolumeMount>;
export type CoreV1Event = Plain<library.CoreV1Event>;
