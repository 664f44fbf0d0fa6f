import { chmod, cp, mkdir, mkdtemp, readdir, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'

/** A place for blocks to run in: the built package installed, `npx` and `node` on the path, small files that the pages mention. */
export interface Site {
  readonly folder: string
  readonly env: Readonly<Record<string, string | undefined>>
  /** A fresh folder with the fixtures, for one page. */
  open(name: string): Promise<string>
}

/** Folders of models that pages name; all of them hold the tests' smallest one. */
const models = ['all-MiniLM-L6-v2', 'tuned', 'my-model']

export async function createSite(repo: string, node: string): Promise<Site> {
  const folder = await mkdtemp(path.join(tmpdir(), 'qontrast-docs-'))
  const modules = path.join(folder, 'node_modules')
  const programs = path.join(folder, 'programs')
  await mkdir(modules)
  await mkdir(programs)
  await writeFile(path.join(folder, 'package.json'), '{ "private": true, "type": "module" }')
  for (const name of await packagesIn(path.join(repo, 'node_modules'))) {
    await mkdir(path.dirname(path.join(modules, name)), { recursive: true })
    await symlink(path.join(repo, 'node_modules', name), path.join(modules, name))
  }
  await symlink(repo, path.join(modules, 'qontrast'))
  await symlink(node, path.join(programs, 'node'))
  await program('npx', 'exec "$@"')
  await program(
    'npm',
    'echo "npm does not run here: write <!-- needs: install --> or <!-- needs: clone --> before the block" >&2; exit 1',
  )
  await program('qontrast', `exec node '${path.join(repo, 'dist/cli/main.js')}' "$@"`)

  async function program(name: string, line: string): Promise<void> {
    await writeFile(path.join(programs, name), `#!/bin/sh\n${line}\n`)
    await chmod(path.join(programs, name), 0o755)
  }

  return {
    folder,
    env: {
      ...process.env,
      PATH: `${programs}${path.delimiter}${process.env['PATH']}`,
      NO_COLOR: '1',
      NODE_NO_WARNINGS: '1',
      NODE_OPTIONS: undefined,
    },
    async open(name) {
      const page = path.join(folder, name)
      await cp(path.join(import.meta.dirname, 'fixtures'), page, { recursive: true })
      for (const model of models)
        await cp(path.join(repo, 'test/fixtures/models/bert-tracing'), path.join(page, model), { recursive: true })
      return page
    },
  }
}

/** Names of packages: a link each, so that whoever removes one here removes the link. */
async function packagesIn(modules: string): Promise<string[]> {
  const names = (await readdir(modules)).filter((name) => !name.startsWith('.'))
  const inScopes = names
    .filter((name) => name.startsWith('@'))
    .map(async (scope) => (await readdir(path.join(modules, scope))).map((name) => path.join(scope, name)))
  return [...names.filter((name) => !name.startsWith('@')), ...(await Promise.all(inScopes)).flat()]
}
