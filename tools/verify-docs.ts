/**
 * Runs every block of code of README.md, CONTRIBUTING.md and docs/*.md as it is written, on the built package; what needs something that is not
 * here is type-checked, or its flags are looked up, and listed. CONTRIBUTING.md has the words that pages use.
 *
 *     npm run verify:docs -- [--node 22] [README.md docs/running.md …]
 */
import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { checkTypes } from './docs/check-types.ts'
import { checkCommand, commandsOf } from './docs/commands.ts'
import { matchesOutput } from './docs/match-output.ts'
import { type Block, type Page, readBlocks } from './docs/read-blocks.ts'
import { endServers, type Outcome, type Place, runBlock, writeModule } from './docs/run-block.ts'
import { createSite } from './docs/site.ts'
import { buildIfOld } from './support/build.ts'
import { nodeBinary } from './support/node-binary.ts'

const repo = path.join(import.meta.dirname, '..')
const { values, positionals } = parseArgs({ allowPositionals: true, options: { node: { type: 'string' } } })
const pages = positionals.length > 0 ? positionals : allPages()

buildIfOld(repo)
const node = values.node === undefined ? process.execPath : nodeBinary(values.node)
const site = await createSite(repo, node)
const scripts = new Set(Object.keys(JSON.parse(readFileSync(path.join(repo, 'package.json'), 'utf8')).scripts))
const helps = new Map<string, string | undefined>()

const failures: string[] = []
const checked: string[] = []
const modules = new Map<string, Block>()
let ran = 0
try {
  for (const name of pages) await verifyPage(name)
  for (const { file, message } of checkTypes([...modules.keys()])) fail(modules.get(file), 'does not compile', message)
} finally {
  await rm(site.folder, { recursive: true, force: true })
}

const version = execFileSync(node, ['--version'], { encoding: 'utf8' }).trim()
if (checked.length > 0) console.log(`\nchecked, not run:\n${checked.map((line) => `  ${line}`).join('\n')}`)
for (const failure of failures) console.error(`\n${failure}`)
console.log(`\nNode ${version}: ${ran} blocks ran, ${checked.length} were checked only, ${failures.length} failed`)
process.exitCode = failures.length > 0 ? 1 : 0

function allPages(): string[] {
  const docs = readdirSync(path.join(repo, 'docs')).filter((file) => file.endsWith('.md'))
  return ['README.md', 'CONTRIBUTING.md', ...docs.sort().map((file) => `docs/${file}`)]
}

async function verifyPage(name: string): Promise<void> {
  const page = readBlocks(name, readFileSync(path.join(repo, name), 'utf8'))
  if (page.blocks.length === 0) return
  const folder = await site.open(name.replaceAll(/\W/g, '-'))
  const place: Place = { folder, env: site.env, port: await freePort(), servers: [] }
  const start = performance.now()
  let last: Outcome | undefined
  try {
    for (const block of page.blocks) last = (await verifyBlock(block, page, place, last)) ?? last
  } finally {
    await endServers(place)
  }
  console.log(`${name}: ${page.blocks.length} blocks, ${((performance.now() - start) / 1000).toFixed(1)} s`)
}

async function verifyBlock(
  block: Block,
  page: Page,
  place: Place,
  before: Outcome | undefined,
): Promise<Outcome | undefined> {
  if (block.file !== undefined) await writeFile(path.join(place.folder, block.file), `${block.text}\n`)
  if (block.prints) {
    ran++
    if (!matchesOutput(before?.printed ?? '', block.text)) fail(block, 'is not what is printed', before?.printed ?? '')
    return undefined
  }
  if (block.language !== 'ts' && block.language !== 'sh') return undefined
  if (block.language === 'ts') modules.set(await writeModule(block, page, place), block)
  if (block.needs !== undefined) {
    checked.push(`${block.page}:${block.line} needs ${block.needs}`)
    if (block.language === 'sh') for (const command of commandsOf(block.text)) lookUp(block, command)
    return undefined
  }
  ran++
  const outcome = await runBlock(block, page, place).catch((error: Error) => ({
    ok: false,
    output: error.message,
    printed: '',
  }))
  if (!outcome.ok) fail(block, 'failed', outcome.output)
  return outcome
}

function lookUp(block: Block, command: string): void {
  for (const wrong of checkCommand(command, { scripts, help })) fail(block, wrong, command)
}

/** `--help` of a command; undefined where there is no such command. */
function help(command: string): string | undefined {
  if (!helps.has(command)) {
    try {
      const program = path.join(repo, 'dist/cli/main.js')
      const text = execFileSync(node, [program, command, '--help'], {
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'ignore'],
      })
      helps.set(command, text)
    } catch {
      helps.set(command, undefined) // wrong use: no such command
    }
  }
  return helps.get(command)
}

function fail(block: Block | undefined, what: string, output: string): void {
  const where = block ? `${block.page}:${block.line}` : 'a page'
  const indented = output
    .trim()
    .split('\n')
    .slice(-25)
    .map((line) => `    ${line}`)
  failures.push([`${where} ${what}`, ...indented].join('\n'))
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
