import { expect, test } from 'vitest'
import { checkCommand, commandsOf } from '../../tools/docs/commands.ts'
import { composeModule } from '../../tools/docs/compose.ts'
import { matchesOutput } from '../../tools/docs/match-output.ts'
import { readBlocks } from '../../tools/docs/read-blocks.ts'

const fence = (language: string, text: string) => `\`\`\`${language}\n${text}\n\`\`\`\n`

test('comments right before a block say what it needs, and only that block', () => {
  const markdown = `<!-- needs: a hub -->\n${fence('sh', 'x')}\n${fence('sh', 'y')}\n<!-- needs: a GPU -->\n\nwords\n\n${fence('sh', 'z')}`
  expect(readBlocks('page.md', markdown).blocks.map(({ text, needs, line }) => [text, needs, line])).toEqual([
    ['x', 'a hub', 2],
    ['y', undefined, 6],
    ['z', undefined, 14],
  ])
})

test('a block has its prelude and what it continues in scope, and imports a name once', () => {
  const page = readBlocks(
    'page.md',
    [
      "<!-- prelude: start\nimport { a } from 'x'\nconst one = a()\n-->",
      `<!-- with: start -->\n${fence('ts', "import { a, b } from 'x'\nconst two = b(one)")}`,
      `<!-- continues -->\n${fence('ts', 'const one = two')}`,
    ].join('\n\n'),
  )
  const [, second] = page.blocks
  expect(second && composeModule(second, page)).toMatchInlineSnapshot(`
    "import { a } from 'x'
    import { b } from 'x'
    const one = a()
    {
    const two = b(one)
    {
    const one = two

    }
    }
    export {}
    "
  `)
  const absent = readBlocks('page.md', `<!-- with: nothing -->\n${fence('ts', 'a')}`)
  expect(() => absent.blocks[0] && composeModule(absent.blocks[0], absent)).toThrow("wants the prelude 'nothing'")
})

test('commands that are not run are looked up: command, flags and npm scripts', () => {
  const help = (command: string) => (command === 'index' ? '  -i, --index NAME\n  --prune   deletes' : undefined)
  const check = (command: string) => checkCommand(command, { scripts: new Set(['demo']), help })
  expect(check('npx qontrast index ./docs --index a --prune')).toEqual([])
  expect(check("npx qontrast index './--docs' --pru")).toEqual(['qontrast index has no --pru'])
  expect(check('npx qontrast absent')).toEqual(['there is no qontrast absent'])
  expect(check('npm install && npm run demos')).toEqual(['there is no npm run demos'])
  expect(commandsOf('a \\\n  --b   # says\n\n# only words\nc')).toEqual(['a --b', 'c'])
})

test('what is printed is compared, with … for what varies', () => {
  expect(matchesOutput('a 0.62\nb 0.16\n', 'a 0.62\nb 0.16')).toBe(true)
  expect(matchesOutput('a 0.62\nb 0.16\n', 'a 0.62')).toBe(false)
  expect(matchesOutput('added 3 in 0.21 s\n1\n2\nend\n', 'added 3 in … s\n…\nend')).toBe(true)
  expect(matchesOutput('other\n', 'added …')).toBe(false)
})
