import { type ErrorCode, Failure, type FailureOptions } from "$lib/error.ts";

/** What an error of the driver or of the server may carry. */
interface DriverError extends Error {
  readonly code?: string;
  readonly severity?: string;
  readonly constraint_name?: string;
  readonly column_name?: string;
}

/** SQLSTATEs of wrong statements' neighbours: what the caller of the API can get wrong. */
const REFUSED: Readonly<Record<string, readonly [ErrorCode, string]>> = {
  "23505": ["unique_violation", "there is one with the same unique values"],
  "23503": ["foreign_key_violation", "it refers to what does not exist, or is referred to"],
  "23514": ["check_violation", "a value is not among those allowed"],
  "23502": ["not_null_violation", "a required value is missing"],
  "22001": ["invalid_parameters", "a text is too long"],
  "22003": ["invalid_parameters", "a number is out of range"],
  "22007": ["invalid_parameters", "a time is malformed"],
  "22008": ["invalid_parameters", "a time is out of range"],
  "22021": ["invalid_parameters", "a text holds characters that the database cannot store"],
  "22P02": ["invalid_parameters", "a value does not fit its type"],
  "22P05": ["invalid_parameters", "a text holds characters that the database cannot store"],
};

/** SQLSTATEs, or their first two characters, that pass with time or with an operator's hand. */
const UNAVAILABLE: Readonly<Record<string, string>> = {
  "08": "the connection failed",
  "25006": "it is read-only",
  "25P03": "the transaction was idle for too long",
  "28": "it refuses the user or the password",
  "3D000": "there is no database of that name",
  "40001": "another transaction was in the way",
  "40P01": "another transaction was in the way",
  "53": "it has too little memory, disk or connections",
  "53100": "its disk is full",
  "53200": "it has too little memory",
  "53300": "it has too many connections",
  "55P03": "another transaction holds what is needed",
  "57014": "the statement took too long",
  "57P01": "it is shutting down",
  "57P02": "it is restarting after a crash",
  "57P03": "it is starting up or shutting down",
  "57P05": "the connection was idle for too long",
  "58": "its disk failed",
};

/** Errors of the driver that only wrong code makes. */
const BUGS: ReadonlySet<string> = new Set([
  "COPY_IN_PROGRESS",
  "MAX_PARAMETERS_EXCEEDED",
  "MESSAGE_NOT_SUPPORTED",
  "NOT_TAGGED_CALL",
  "UNDEFINED_VALUE",
  "UNSAFE_TRANSACTION",
]);

/**
 * What an error of the driver or the server means here: a failure with the error as its cause, or the error itself when
 * it is a bug, such as wrong SQL. `details.away` says that the connection is gone. Messages never repeat the server's
 * own, which may hold values.
 */
export function translated(error: unknown): unknown {
  if (!isDriverError(error)) return error;
  const refused = REFUSED[error.code];
  if (refused !== undefined) return refusal(refused, error);
  const why = unavailability(error);
  if (why === undefined) return error;
  return unavailable(why, { cause: error, ...(breaksConnection(error) ? { details: { away: "database" } } : {}) });
}

/** The failure of a statement that found no database. */
export function unavailable(why: string, options?: FailureOptions): Failure {
  return new Failure("unavailable", `Cannot use the database: ${why}`, options);
}

/** Of a server that takes no writes, or none any more: another one does, or will. */
const READ_ONLY = "25006";

/**
 * Whether the connection on which `error` came is of no more use: the driver's own errors, and the server's fatal ones,
 * and what a standby says.
 */
export function breaksConnection(error: unknown): boolean {
  if (!isDriverError(error)) return false;
  if (!isFromServer(error)) return !BUGS.has(error.code);
  return error.severity !== "ERROR" || error.code === READ_ONLY;
}

function refusal([code, why]: readonly [ErrorCode, string], error: DriverError): Failure {
  const details = {
    ...(error.constraint_name === undefined ? {} : { constraint: error.constraint_name }),
    ...(error.column_name === undefined ? {} : { column: error.column_name }),
  };
  return new Failure(code, `Cannot run the statement: ${why}`, { cause: error, details });
}

function unavailability(error: DriverError & { code: string }): string | undefined {
  if (!isFromServer(error)) return BUGS.has(error.code) ? undefined : `no connection (${error.code})`;
  const why = UNAVAILABLE[error.code] ?? UNAVAILABLE[error.code.slice(0, 2)];
  if (why === undefined && error.severity === "ERROR") return undefined;
  return `${why ?? "it ended the connection"} (${error.code})`;
}

/** Only the server's errors have a severity. */
function isFromServer(error: DriverError): boolean {
  return error.severity !== undefined;
}

function isDriverError(error: unknown): error is DriverError & { code: string } {
  return error instanceof Error && !(error instanceof Failure) && "code" in error && typeof error.code === "string";
}
