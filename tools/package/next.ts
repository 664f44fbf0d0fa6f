import { cp } from 'node:fs/promises'
import { createServer } from 'node:net'
import path from 'node:path'
import type { Consumer, Setting } from './consumers.ts'
import { expected, importing } from './programs.ts'
import type { Project } from './project.ts'

const packages = ['next@16.4.6', 'react@19.3.1', 'react-dom@19.3.1']
const longestStart = 30_000

/** The line of docs/installing.md. */
const external = "serverExternalPackages: ['qontrast']"
const traced = `output: 'standalone', outputFileTracingIncludes: { '/*': ['node_modules/qontrast/**', 'node_modules/@lancedb/**', 'node_modules/onnxruntime-*/**'] }`

async function build(setting: Setting, name: string, config: string): Promise<Project> {
  const project = await setting.install(name, [], packages)
  await cp(setting.model, path.join(project.folder, 'model'), { recursive: true })
  await project.write({
    'next.config.mjs': `export default { ${config} }`,
    'app/layout.js': 'export default ({ children }) => <html><body>{children}</body></html>',
    'app/page.js': 'export default () => <p>home</p>',
    'app/api/search/route.js': `${importing}
export const dynamic = 'force-dynamic'
export async function GET() {
  try {
    return new Response(await work(process.env.MODEL))
  } catch (error) {
    return new Response(error.message, { status: 500 })
  }
}`,
  })
  await project.run('node', ['node_modules/next/dist/bin/next', 'build'])
  return project
}

async function ask(project: Project, args: readonly string[], cwd: string, model: string): Promise<void> {
  const port = await freePort()
  const env = { PORT: String(port), HOSTNAME: '127.0.0.1', MODEL: model }
  const server = project.start('node', args, { cwd, env })
  try {
    const answer = await untilAnswered(`http://127.0.0.1:${port}/api/search`)
    if (answer !== expected) throw new Error(`'${expected}' was expected; got: ${answer}`)
  } finally {
    await server.end()
  }
}

async function untilAnswered(url: string): Promise<string> {
  const start = performance.now()
  for (;;) {
    try {
      return await (await fetch(url)).text()
    } catch (error) {
      if (performance.now() - start > longestStart) throw error
      await new Promise((resolve) => setTimeout(resolve, 200))
    }
  }
}

const started =
  (name: string, config: string, note: string): Consumer =>
  async (setting) => {
    const project = await build(setting, name, config)
    await ask(project, ['node_modules/next/dist/bin/next', 'start'], project.folder, setting.model)
    return note
  }

const standalone: Consumer = async (setting) => {
  const project = await build(setting, 'next-standalone', `${external}, ${traced}`)
  const apart = path.join(setting.apart, 'next-standalone')
  await cp(path.join(project.folder, '.next/standalone'), apart, { recursive: true, verbatimSymlinks: true })
  await ask(project, ['server.js'], apart, setting.model)
  return `works with ${external} and outputFileTracingIncludes`
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().on('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => resolve(typeof address === 'object' && address ? address.port : 0))
    })
  })
}

export const nextConsumers: Readonly<Record<string, Consumer>> = {
  Next: started('next', external, `works with ${external}`),
  'Next, standalone': standalone,
}
