import { existsSync, readFileSync, realpathSync } from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { QontrastError } from './errors.ts'

const name = 'qontrast'
/** Names the package's folder where it cannot be found from the running program, as in a bundle that was copied elsewhere. */
const homeVariable = 'QONTRAST_HOME'

/** What a bundler must be told, and where the rest is written; the end of every error about files that are not there. */
export const bundlerAdvice = `If your program is bundled, leave ${name} out of the bundle (esbuild --external:${name}, tsup external: ['${name}'], Next serverExternalPackages: ['${name}']) and install it where the program runs, or set ${homeVariable} to the package's folder; see docs/installing.md.`

let found: string | undefined

/** The folder of this package, whose files are read while it runs: the repository, `node_modules/qontrast`, or `QONTRAST_HOME`. */
export function packageFolder(): string {
  found ??= findPackage()
  return found
}

/** A file or folder of this package by the first of its places that exists: `internal` where there is none. */
export function packageFile(...places: readonly [string, ...string[]]): string {
  const folder = packageFolder()
  const there = places.map((place) => path.join(folder, place)).find((file) => existsSync(file))
  if (there) return there
  throw new QontrastError('internal', `${places[0]} is missing in ${folder}. Install ${name} again. ${bundlerAdvice}`)
}

/** A module that is installed with this package, for what no bundler can take in: its path, and what it exports as CommonJS. */
export function installedModule(name: string): { readonly path: string; readonly load: () => unknown } {
  const require = createRequire(path.join(packageFolder(), 'package.json'))
  return { path: require.resolve(name), load: () => require(name) }
}

function findPackage(): string {
  const home = process.env[homeVariable]
  if (home) {
    if (isPackage(home)) return path.resolve(home)
    throw new QontrastError(
      'invalid-option',
      `${homeVariable} must be the folder of the package ${name}, such as ./node_modules/${name}; ${home} has no package.json of it.`,
    )
  }
  const starts = [...new Set([moduleFolder(), programFolder(), process.cwd()])]
  for (const start of starts)
    for (const folder of ancestorsOf(start))
      for (const candidate of [folder, path.join(folder, 'node_modules', name)])
        if (isPackage(candidate)) return candidate
  throw new QontrastError(
    'dependency-missing',
    `The files of the package ${name} are not beside the program (looked in and above ${starts.join(', ')}). ${bundlerAdvice}`,
  )
}

/** Where this module is; a bundle in CommonJS has no `import.meta.url`, but a `__filename`. */
function moduleFolder(): string {
  const url: string | undefined = import.meta.url
  if (url?.startsWith('file:')) return path.dirname(fileURLToPath(url))
  return typeof __filename === 'string' ? path.dirname(__filename) : process.cwd()
}

function programFolder(): string {
  const [, program] = process.argv
  return program && existsSync(program) ? path.dirname(realpathSync(program)) : process.cwd()
}

function ancestorsOf(folder: string): string[] {
  const parent = path.dirname(folder)
  return parent === folder ? [folder] : [folder, ...ancestorsOf(parent)]
}

function isPackage(folder: string): boolean {
  try {
    const manifest: { name?: unknown } | null = JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8'))
    return manifest?.name === name
  } catch {
    return false // none there, or one that is not ours to judge
  }
}
