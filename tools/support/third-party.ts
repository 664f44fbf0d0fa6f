import { readdir, readFile } from 'node:fs/promises'
import path from 'node:path'

interface Manifest {
  readonly name: string
  readonly version: string
  readonly license?: string
  readonly repository?: string | { readonly url?: string }
}

/** Licences of which one must be satisfied by what is bundled; another one wants a look. */
const known = new Set([
  'MIT',
  'ISC',
  'Apache-2.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  '0BSD',
  'MIT OR Apache-2.0',
  'Apache-2.0 AND BSD-3-Clause',
])

/** The licences of the packages that bundled files come from, as one text. Rejects where one has a licence that nobody has looked at. */
export async function thirdPartyLicences(inputs: readonly string[]): Promise<string> {
  const folders = [...new Set(inputs.flatMap((input) => packageFolderOf(input) ?? []))]
  const entries = await Promise.all(folders.map(licenceOf))
  const sorted = entries.sort((a, b) => (a.name < b.name ? -1 : 1))
  return `What dist/ holds of others, with their licences.\n\n${sorted.map(({ text }) => text).join('\n')}`
}

function packageFolderOf(input: string): string | undefined {
  return /^(?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+(?=\/)/.exec(input)?.[0]
}

async function licenceOf(folder: string): Promise<{ name: string; text: string }> {
  const manifest: Manifest = JSON.parse(await readFile(path.join(folder, 'package.json'), 'utf8'))
  const { name, version, license = 'none', repository } = manifest
  if (!known.has(license.replace(/[()]/g, '')))
    throw new Error(`${name} has the licence '${license}': look at it first`)
  const files = (await readdir(folder)).filter((file) => /^(licen[cs]e|notice|copying)/i.test(file)).sort()
  const texts = await Promise.all(files.map((file) => readFile(path.join(folder, file), 'utf8')))
  const url = typeof repository === 'string' ? repository : (repository?.url ?? '')
  const title = `${name} ${version} (${license}) ${url.replace(/^git\+/, '')}`.trim()
  const line = '-'.repeat(80)
  return { name, text: [line, title, line, ...texts.map((text) => text.trim()), ''].join('\n') }
}
