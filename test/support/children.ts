import { readdir, readFile } from 'node:fs/promises'

/** Process ids of the children of a process, as Linux tells; none elsewhere. */
export async function childrenOf(parent: number): Promise<number[]> {
  const tasks = await readdir(`/proc/${parent}/task`).catch(() => [])
  const lists = await Promise.all(
    tasks.map((task) => readFile(`/proc/${parent}/task/${task}/children`, 'utf8').catch(() => '')),
  )
  return lists.join(' ').trim().split(/\s+/).filter(Boolean).map(Number)
}
