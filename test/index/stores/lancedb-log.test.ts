import { execFileSync } from 'node:child_process'
import { expect, test } from 'vitest'
import { temporaryFolder } from '../../support/temporary.ts'

const main = JSON.stringify(new URL('../../../src/main.ts', import.meta.url).href)

/** Runs `work` on a new store in a process of its own; gives LANCEDB_LOG as it was when the native library was loaded. */
async function logWhenLoaded(work: string, given?: string): Promise<string | undefined> {
  const script = `
    const dlopen = process.dlopen
    process.dlopen = (...args) => {
      if (args[1].includes('lancedb')) console.log(process.env.LANCEDB_LOG)
      return dlopen.apply(process, args)
    }
    const { lancedb } = await import(${main})
    await using store = lancedb({ path: ${JSON.stringify(await temporaryFolder())} })
    const schema = { dimensions: 2, encoder: { name: 'e', fingerprint: 'f' }, fields: {} }
    ${work}`
  const { LANCEDB_LOG: _, ...env } = process.env
  const output = execFileSync(process.execPath, ['--input-type=module', '-e', script], {
    encoding: 'utf8',
    env: { ...env, ...(given === undefined ? {} : { LANCEDB_LOG: given }) },
  })
  return output.trim()
}

test('LanceDB is told to keep its warnings to itself before it is loaded, whatever is done first', async () => {
  expect(await logWhenLoaded("await store.ensure('docs', schema)")).toBe('error')
})

test("a user's own setting stays", async () => {
  expect(await logWhenLoaded("await store.ensure('docs', schema)", 'off')).toBe('off')
})
