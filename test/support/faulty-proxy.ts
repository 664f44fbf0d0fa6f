import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'

/** What happens to one request: the connection breaks before or after the server did it, it is never answered, or something else answers. */
export type Fault =
  | 'pass'
  | 'drop'
  | 'drop answer'
  | 'hang'
  | { readonly status: number; readonly headers?: Record<string, string>; readonly body: unknown }

export interface FaultyProxy {
  readonly url: string
  /** Faults of the next requests, one each; the others pass. */
  readonly faults: Fault[]
  /** Holds every request from now on, for ever: tells when the first one came, and when its client broke it off. */
  hold(): { readonly came: Promise<void>; readonly brokenOff: Promise<void> }
  /** When each request came, in milliseconds. */
  readonly arrivals: number[]
  stop(): Promise<void>
  /** Listens again at the same address. */
  start(): Promise<void>
}

/** A server's unreliable neighbour, on the loopback. */
export async function startFaultyProxy(target: string, port = 0): Promise<FaultyProxy> {
  const faults: Fault[] = []
  const arrivals: number[] = []
  let onHeld: ((message: IncomingMessage) => void) | undefined

  const handle = async (message: IncomingMessage, response: ServerResponse) => {
    const body = Buffer.concat(await Array.fromAsync(message)).toString()
    arrivals.push(performance.now())
    if (onHeld) return onHeld(message)
    const fault = faults.shift()
    if (fault === 'hang') return
    if (fault === 'drop') return message.socket.destroy()
    if (typeof fault === 'object') {
      response.writeHead(fault.status, { 'content-type': 'application/json', ...fault.headers })
      return response.end(JSON.stringify(fault.body))
    }
    const answer = await fetch(`${target}${message.url}`, {
      method: message.method ?? 'GET',
      headers: { 'content-type': 'application/json' },
      ...(body === '' ? {} : { body }),
    })
    const content = await answer.text()
    if (fault === 'drop answer') return message.socket.destroy()
    return response.writeHead(answer.status, { 'content-type': 'application/json' }).end(content)
  }

  let server = createServer(handle)
  const listen = (on: number) => new Promise<void>((resolve) => server.listen(on, '127.0.0.1', resolve))
  await listen(port)
  const address = server.address()
  const used = typeof address === 'object' && address ? address.port : port
  return {
    url: `http://127.0.0.1:${used}`,
    faults,
    arrivals,
    hold() {
      const came = Promise.withResolvers<void>()
      const brokenOff = Promise.withResolvers<void>()
      onHeld = (message) => {
        came.resolve()
        message.socket.once('close', () => brokenOff.resolve())
      }
      return { came: came.promise, brokenOff: brokenOff.promise }
    },
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
    async start() {
      onHeld = undefined
      server = createServer(handle)
      await listen(used)
    },
  }
}
