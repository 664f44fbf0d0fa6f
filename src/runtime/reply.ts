import { type ErrorCode, isError, isQontrastError, messageOf, QontrastError } from '../shared/index.ts'

/** What a process or a thread answers to a request; an error keeps its code on the way. */
export type Reply<Result> =
  | { readonly kind: 'done'; readonly result: Result }
  | { readonly kind: 'failed'; readonly code: ErrorCode; readonly message: string; readonly stack: string | undefined }

export function failed(error: unknown): Extract<Reply<unknown>, { kind: 'failed' }> {
  return {
    kind: 'failed',
    code: isQontrastError(error) ? error.code : 'internal',
    message: messageOf(error),
    stack: isError(error) ? error.stack : undefined,
  }
}

export function errorOf({ code, message, stack }: Extract<Reply<unknown>, { kind: 'failed' }>): QontrastError {
  return new QontrastError(code, message, { cause: stack })
}
