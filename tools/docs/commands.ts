/** The commands of a block of shell, one a line, without comments; lines that end in a backslash are joined. */
export function commandsOf(text: string): string[] {
  return text
    .replace(/\s*\\\n\s*/g, ' ')
    .split('\n')
    .map((line) => line.replace(/(^|\s)#\s.*$/, '').trim())
    .filter((line) => line !== '')
}

/** What of a command can be known without running it: that its npm script, command and flags exist. Gives what is wrong. */
export function checkCommand(
  command: string,
  { scripts, help }: { scripts: ReadonlySet<string>; help: (command: string) => string | undefined },
): string[] {
  const [, script] = /\bnpm run (?:-s )?([\w:-]+)/.exec(command) ?? []
  if (script && !scripts.has(script)) return [`there is no npm run ${script}`]
  const [, name, rest = ''] = /(?:^|\s)qontrast\s+(?:-- )?([a-z]+)\b(.*)$/.exec(command) ?? []
  if (!name) return []
  const page = help(name)
  if (page === undefined) return [`there is no qontrast ${name}`]
  const unquoted = rest.replace(/'[^']*'|"[^"]*"/g, '')
  const flags = [...unquoted.matchAll(/(?<=\s)(--?[a-zA-Z][\w-]*)/g)].map(([, flag = '']) => flag)
  return flags
    .filter((flag) => !new RegExp(`(^|[\\s,])${flag}(?![\\w-])`, 'm').test(page))
    .map((flag) => `qontrast ${name} has no ${flag}`)
}
