import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'

/** What is said to a request that has no answer yet, by Node's code of the error; else 400. */
const answers: Readonly<Record<string, string>> = {
  ERR_HTTP_REQUEST_TIMEOUT: '408 Request Timeout',
  HPE_HEADER_OVERFLOW: '431 Request Header Fields Too Large',
  HPE_CHUNK_EXTENSIONS_OVERFLOW: '413 Payload Too Large',
}

/**
 * Has a body that breaks off, because its client half-closed or sent what is no chunk, fail by itself, so that the answer which is under way can say so;
 * Node would cut the connection. What has no answer yet is answered as Node does.
 */
export function answerBrokenBodies(server: Server): void {
  const underWay = new WeakMap<Duplex, { readonly request: IncomingMessage; readonly response: ServerResponse }>()
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    underWay.set(request.socket, { request, response })
  })
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    const { request, response } = underWay.get(socket) ?? {}
    if (error.code === 'ECONNRESET' || !socket.writable) return socket.destroy()
    if (!request || !response || response.writableFinished) {
      const status = answers[error.code ?? ''] ?? '400 Bad Request'
      return socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`, () => socket.destroy())
    }
    response.shouldKeepAlive = false
    response.once('close', () => socket.destroy())
    if (!request.complete) breakOff(request, error)
    return undefined
  })
}

/** Destroys the request alone: by itself it takes the connection along. */
function breakOff(request: IncomingMessage, error: Error): void {
  request._destroy = (cause, done) => done(request.listenerCount('error') > 0 ? cause : null)
  request.destroy(error)
}
