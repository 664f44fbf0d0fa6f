import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { expect, test } from 'vitest'
import { temporaryFolder } from '../support/temporary.ts'

const program = new URL('../../src/cli/main.ts', import.meta.url).pathname

test.skipIf(process.platform === 'win32')(
  'a server that a shell of npx started stops when that shell is gone, without another signal',
  async () => {
    const shell = spawn('sh', ['-c', `"${process.execPath}" "${program}" serve --port 0; true`], {
      cwd: await temporaryFolder(),
      env: { ...process.env, npm_lifecycle_event: 'npx' },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    let log = ''
    const serving = new Promise<void>((resolve) => {
      shell.stdout.setEncoding('utf8').on('data', (text: string) => {
        log += text
        if (log.includes('"serving"')) resolve()
      })
    })
    await serving
    const ended = once(shell.stdout, 'close') // once the server has closed its end too
    shell.kill('SIGTERM')
    await ended
    expect(log).toContain('"reason":"the process that started this one is gone","msg":"stopping"')
    expect(log).toContain('"stopped"')
  },
)
