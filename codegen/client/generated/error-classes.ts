/* Written by `npm run codegen` from the error table. */
import { FathomApiError } from '../errors.ts';

/** The request is malformed. */
export class BadRequestError extends FathomApiError {
  declare readonly code: 'BAD_REQUEST';
}

/** The id is not one of this type. */
export class BadIdError extends FathomApiError {
  declare readonly code: 'BAD_ID';
}

/** A value breaks a rule; the path names it. */
export class InvalidArgumentError extends FathomApiError {
  declare readonly code: 'INVALID_ARGUMENT';
}

/** There is no such object, or you may not see it. */
export class NotFoundError extends FathomApiError {
  declare readonly code: 'NOT_FOUND';
}

/** The name is taken. */
export class AlreadyExistsError extends FathomApiError {
  declare readonly code: 'ALREADY_EXISTS';
}

/** The idempotency key was used with another input. */
export class IdempotencyMismatchError extends FathomApiError {
  declare readonly code: 'IDEMPOTENCY_MISMATCH';
}

/** The object changed since you read it. Trying again may help. */
export class VersionConflictError extends FathomApiError {
  declare readonly code: 'VERSION_CONFLICT';
}

/** The object is in a state that does not allow this. */
export class WrongStateError extends FathomApiError {
  declare readonly code: 'WRONG_STATE';
}

/** The bytes do not have the declared SHA-256. */
export class DigestMismatchError extends FathomApiError {
  declare readonly code: 'DIGEST_MISMATCH';
}

/** The value is larger than the limit. */
export class TooLargeError extends FathomApiError {
  declare readonly code: 'TOO_LARGE';
}

/** The quota would be exceeded. Trying again may help. */
export class QuotaExceededError extends FathomApiError {
  declare readonly code: 'QUOTA_EXCEEDED';
}

/** Who you are could not be verified. */
export class UnauthenticatedError extends FathomApiError {
  declare readonly code: 'UNAUTHENTICATED';
}

/** You may see this but not do that. */
export class ForbiddenError extends FathomApiError {
  declare readonly code: 'FORBIDDEN';
}

/** The backend or the installation does not offer this. */
export class UnsupportedError extends FathomApiError {
  declare readonly code: 'UNSUPPORTED';
}

/** The endpoint is not warm yet. Trying again may help. */
export class NotReadyError extends FathomApiError {
  declare readonly code: 'NOT_READY';
}

/** The deadline passed before an answer came. Trying again may help. */
export class DeadlineExceededError extends FathomApiError {
  declare readonly code: 'DEADLINE_EXCEEDED';
}

/** The module answered with an error or with garbage. */
export class ModuleFailedError extends FathomApiError {
  declare readonly code: 'MODULE_FAILED';
}

/** The backend cannot be reached or refuses work for now. Trying again may help. */
export class BackendUnavailableError extends FathomApiError {
  declare readonly code: 'BACKEND_UNAVAILABLE';
}

/** The backend refused the request for good. */
export class BackendRejectedError extends FathomApiError {
  declare readonly code: 'BACKEND_REJECTED';
}

/** There is no room to store this. Trying again may help. */
export class StorageFullError extends FathomApiError {
  declare readonly code: 'STORAGE_FULL';
}

/** The database cannot be reached for now. Trying again may help. */
export class StoreUnavailableError extends FathomApiError {
  declare readonly code: 'STORE_UNAVAILABLE';
}

/** The server is busy beyond its limits. Trying again may help. */
export class OverloadedError extends FathomApiError {
  declare readonly code: 'OVERLOADED';
}

/** The operation costs more than the limit. */
export class TooExpensiveError extends FathomApiError {
  declare readonly code: 'TOO_EXPENSIVE';
}

/** A part of the graph cannot be reached. Trying again may help. */
export class SubgraphUnavailableError extends FathomApiError {
  declare readonly code: 'SUBGRAPH_UNAVAILABLE';
}

/** The server is stopping; resume from your last cursor. Trying again may help. */
export class ShuttingDownError extends FathomApiError {
  declare readonly code: 'SHUTTING_DOWN';
}

/** Something went wrong here; the request id finds it in the log. */
export class InternalError extends FathomApiError {
  declare readonly code: 'INTERNAL';
}

export const errorClasses = {
  BAD_REQUEST: BadRequestError,
  BAD_ID: BadIdError,
  INVALID_ARGUMENT: InvalidArgumentError,
  NOT_FOUND: NotFoundError,
  ALREADY_EXISTS: AlreadyExistsError,
  IDEMPOTENCY_MISMATCH: IdempotencyMismatchError,
  VERSION_CONFLICT: VersionConflictError,
  WRONG_STATE: WrongStateError,
  DIGEST_MISMATCH: DigestMismatchError,
  TOO_LARGE: TooLargeError,
  QUOTA_EXCEEDED: QuotaExceededError,
  UNAUTHENTICATED: UnauthenticatedError,
  FORBIDDEN: ForbiddenError,
  UNSUPPORTED: UnsupportedError,
  NOT_READY: NotReadyError,
  DEADLINE_EXCEEDED: DeadlineExceededError,
  MODULE_FAILED: ModuleFailedError,
  BACKEND_UNAVAILABLE: BackendUnavailableError,
  BACKEND_REJECTED: BackendRejectedError,
  STORAGE_FULL: StorageFullError,
  STORE_UNAVAILABLE: StoreUnavailableError,
  OVERLOADED: OverloadedError,
  TOO_EXPENSIVE: TooExpensiveError,
  SUBGRAPH_UNAVAILABLE: SubgraphUnavailableError,
  SHUTTING_DOWN: ShuttingDownError,
  INTERNAL: InternalError,
} as const;

/** Every code that this client knows. */
export type ErrorCode = keyof typeof errorClasses;
