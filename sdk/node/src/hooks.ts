/** One try of a call, before it is sent. */
export interface RequestInfo {
  /** The operation's name in the gateway's OpenAPI document, such as `listSessions`. */
  operation: string;
  method: string;
  url: string;
  /** What is about to be sent; may be added to. The token is not among them, so they are safe to log. */
  headers: Headers;
  /** 1 for the first try. */
  attempt: number;
}

/** One try of a call, after it. */
export interface ResponseInfo {
  operation: string;
  method: string;
  url: string;
  attempt: number;
  /** Milliseconds until the answer's headers were there, or the try had failed. */
  duration: number;
  /** Of the answer; absent where none came. */
  status?: number;
  /** Of the answer; absent where none came. */
  headers?: Headers;
  /** Names the request in the gateway's log; absent where no answer came. */
  requestId?: string;
  /** Why no answer came. */
  error?: unknown;
}

/** Called before a try; a promise is waited for. What it throws ends the call. */
export type RequestHook = (request: RequestInfo) => void | Promise<void>;

/** Called after a try; a promise is waited for. What it throws ends the call. */
export type ResponseHook = (response: ResponseInfo) => void | Promise<void>;
