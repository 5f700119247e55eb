/**
 * An answer that is not a success: validation speaks JSON, everything else plain text, as the
 * reference implementation does.
 */
export class HttpError extends Error {
  override readonly name = 'HttpError';
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Whether the rest of the request is not worth reading. */
  readonly close: boolean;

  private constructor(
    status: number,
    contentType: string,
    body: string,
    headers: Readonly<Record<string, string>>,
    close: boolean,
  ) {
    super(body);
    this.status = status;
    this.contentType = contentType;
    this.body = body;
    this.headers = headers;
    this.close = close;
  }

  static text(status: number, reason: string, close = false): HttpError {
    return new HttpError(status, 'text/plain; charset=utf-8', `${status}: ${reason}`, {}, close);
  }

  static json(status: number, document: unknown): HttpError {
    const contentType = 'application/json; charset=utf-8';
    return new HttpError(status, contentType, JSON.stringify(document), {}, false);
  }

  static methodNotAllowed(allowed: readonly string[]): HttpError {
    const text = '405: Method Not Allowed';
    return new HttpError(
      405,
      'text/plain; charset=utf-8',
      text,
      { allow: allowed.join(',') },
      false,
    );
  }

  static redirect(status: 302 | 308, location: string): HttpError {
    return new HttpError(status, 'text/plain; charset=utf-8', `${status}`, { location }, false);
  }
}
