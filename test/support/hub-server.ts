import { createHash } from 'node:crypto'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { createServer } from 'node:http'
import path from 'node:path'

export interface HubServer {
  readonly url: string
  /** Paths asked for so far. */
  readonly requests: string[]
  close(): Promise<void>
}

/** Serves one folder as the model `owner/tiny` by the hub's protocol: revision, tree, paths-info and resolve with ranges. */
export async function startHubServer(folder: string): Promise<HubServer> {
  const commit = 'a'.repeat(40)
  const requests: string[] = []
  const files = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !entry.name.startsWith('.'))
    .map((entry) => path.relative(folder, path.join(entry.parentPath, entry.name)))
  const contentOf = (file: string) => readFileSync(path.join(folder, file))
  const oidOf = (file: string) => createHash('sha1').update(contentOf(file)).digest('hex')
  const describe = (file: string) => ({
    type: 'file',
    path: file,
    oid: oidOf(file),
    size: statSync(path.join(folder, file)).size,
    lastCommit: { id: commit, title: 'first', date: '2024-01-01T00:00:00Z' },
  })

  const server = createServer(async (request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://hub')
    requests.push(pathname)
    const json = (content: unknown) =>
      response.setHeader('content-type', 'application/json').end(JSON.stringify(content))
    if (!pathname.includes('owner/tiny')) return response.writeHead(404).end('{"error":"Repository not found"}')
    if (pathname.includes('/tree/')) return json(files.map(describe))
    if (pathname.includes('/paths-info/')) {
      const { paths }: { paths: string[] } = JSON.parse(Buffer.concat(await Array.fromAsync(request)).toString())
      return json(paths.map(describe))
    }
    const file = /\/resolve\/[^/]+\/(.*)$/.exec(pathname)?.[1]
    if (file === undefined)
      return json({
        _id: '1',
        id: 'owner/tiny',
        sha: commit,
        private: false,
        downloads: 0,
        likes: 0,
        lastModified: '2024-01-01T00:00:00Z',
      })
    const content = contentOf(decodeURIComponent(file))
    response.setHeader('etag', `"${oidOf(decodeURIComponent(file))}"`)
    const [, from, to] = /bytes=(\d+)-(\d*)/.exec(request.headers.range ?? '') ?? []
    if (from === undefined) return response.end(content)
    const end = Math.min(to ? Number(to) : content.length - 1, content.length - 1)
    response
      .writeHead(206, { 'content-range': `bytes ${from}-${end}/${content.length}` })
      .end(content.subarray(Number(from), end + 1))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  return {
    url: typeof address === 'object' && address ? `http://127.0.0.1:${address.port}` : '',
    requests,
    close: () => new Promise((resolve) => server.close(() => resolve())),
  }
}
