import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { textContent } from '../../../src/index/stores/content.ts'
import { lexicalTerms, passageTerms } from '../../../src/index/text/lexical.ts'
import { markPassage } from '../../../src/index/text/mark-passage.ts'

const stored = (text: string) => new Set(passageTerms({ title: undefined, content: textContent(text) }))
/** True where a text has a term of the query. */
const finds = (query: string, text: string) => lexicalTerms(query).some((term) => stored(text).has(term))
/** True where a text has all terms of the query. */
const findsWhole = (query: string, text: string) => {
  const asked = lexicalTerms(query)
  return asked.length > 0 && asked.every((term) => stored(text).has(term))
}

describe('words of all languages', () => {
  const found: Record<string, readonly (readonly [query: string, text: string])[]> = {
    'kana with the prolonged sound mark and voiced marks, in full or half width': [
      ['コンピューター', '新しいコンピューターを買った'],
      ['ｺﾝﾋﾟｭｰﾀｰ', 'コンピューター'],
      ['ガイド', 'カ\u3099イト\u3099ブック'],
      ['ラーメン', '今日のラーメンはうまい'],
    ],
    'single characters of Chinese, Japanese and Korean': [
      ['猫', '私は猫が好きです'],
      ['水', '请给我一杯水'],
      ['東京', '東京都に住んでいる'],
      ['𠮷', '𠮷野家で食べる'],
      ['책', '책을 읽는다'],
    ],
    'Thai, Lao, Khmer and Burmese': [
      ['ภาษา', 'ภาษาไทยเป็นภาษาที่สวยงาม'],
      ['ประเทศ', 'เมืองหลวงของประเทศไทยคือกรุงเทพมหานคร'],
      ['ພາສາ', 'ພາສາລາວເປັນພາສາທາງການ'],
      ['ភាសា', 'ភាសាខ្មែរជាភាសាផ្លូវការ'],
      ['မြန်မာ', 'မြန်မာဘာသာစကား'],
    ],
    'words with soft hyphens, joiners, zero-width spaces and bidi marks in them': [
      ['cooperate', 'We co\u00adop\u00ader\u00adate'],
      ['zerowidth', 'zero\u200bwidth'],
      ['میخواهم', 'می\u200cخواهم'],
      ['word', '\u202bword\u202c\u200f'],
    ],
    'Arabic without vowel signs and tatweel, whatever the alef and ya': [
      ['محمد', 'مُحَمَّد'],
      ['محمد', 'محمـــد'],
      ['احمد', 'أحمد'],
      ['على', 'علي'],
      ['کتاب', 'كتاب'],
      ['مدرسه', 'مدرسة'],
    ],
    'Hebrew without points, and its abbreviations': [
      ['שלום', 'שָׁלוֹם'],
      ['צה"ל', 'חיילי צה״ל'],
      ['בית־ספר', 'בית ספר'],
    ],
    'letters that keyboards lack': [
      ['strasse', 'Straße'],
      ['STRASSE', 'STRAẞE'],
      ['Malmo', 'Malmö'],
      ['Lodz', 'Łódź'],
      ['smorrebrod', 'smørrebrød'],
      ['Dordevic', 'Đorđević'],
      ['aether', 'Æther'],
      ['oeuvre', 'Œuvre'],
      ['istanbul', 'İSTANBUL'],
      ['diyarbakir', 'Diyarbakır'],
      ['DIYARBAKIR', 'DİYARBAKIR'],
      ['σίσυφος', 'ΣΊΣΥΦΟΣ'],
      ['thorn', 'þorn'],
    ],
    'digits of all scripts': [
      ['1984', '١٩٨٤'],
      ['2567', 'พ.ศ. ๒๕๖๗'],
      ['42', '４２'],
    ],
  }
  for (const [what, cases] of Object.entries(found)) {
    test(`finds ${what}`, () => {
      for (const [query, text] of cases) expect([query, text, finds(query, text)]).toEqual([query, text, true])
    })
  }

  test('does not take one word for another', () => {
    expect(lexicalTerms('か')).not.toEqual(lexicalTerms('が'))
    expect(lexicalTerms('ハ')).not.toEqual(lexicalTerms('パ'))
    expect(lexicalTerms('ビル')).not.toEqual(lexicalTerms('ビール'))
    expect(finds('犬', '私は猫が好きです')).toBe(false)
  })
})

describe('compounds and names of programs', () => {
  const named: readonly (readonly [name: string, parts: readonly string[]])[] = [
    ['camelCase', ['camel', 'case', 'camelcase']],
    ['XMLHttpRequest', ['xml', 'http', 'request']],
    ['parseJSON', ['parse', 'json']],
    ['snake_case', ['snake', 'case']],
    ['C++', ['C']],
    ['C++17', ['C++', '17']],
    ['C#', ['C']],
    ['F#', ['F']],
    ['.NET', ['net']],
    ['ASP.NET', ['asp', 'net']],
    ['node.js', ['node', 'js', 'nodejs']],
    ['1.2.3', ['2']],
    ['v2.0', ['v2']],
    ['Python3.11', ['python3', '11']],
    ['1,000', ['1000']],
    ['state-of-the-art', ['state', 'art']],
    ['COVID-19', ['covid', '19', 'covid19']],
    ['e-mail', ['email', 'mail']],
    ['AT&T', ['at&t']],
    ['R&D', ['R', 'D']],
    ["O'Brien", ['brien', 'OBrien', 'O’Brien']],
    ['jane.doe@example.com', ['jane', 'doe', 'example.com', 'example']],
    ['https://example.com/user-guide/index.html?page=2', ['example.com', 'user-guide', 'guide', 'index.html', 'page']],
    ['U.S.A.', ['USA']],
    ['Hardy–Weinberg', ['Hardy-Weinberg', 'weinberg']],
    ["children's", ['children']],
    ["don't", ['don’t', 'dont']],
  ]
  test('are found whole and by their parts', () => {
    for (const [name, parts] of named) {
      const text = `Some words about ${name}, and others.`
      for (const query of [name, ...parts]) expect([query, name, findsWhole(query, text)]).toEqual([query, name, true])
    }
  })

  test('have the numbers of their versions', () => {
    for (const text of ['v2.0', 'Python2.0', '2.0-beta.1']) expect(lexicalTerms(text)).toContain('2.0')
  })

  test('are told apart from what they are not', () => {
    expect(lexicalTerms('C++')).toContain('c++')
    expect(lexicalTerms('C#')).not.toContain('c++')
    expect(lexicalTerms('C')).toEqual(['c'])
    expect(lexicalTerms('123')).not.toContain('1.2.3')
    expect(finds('AT&T', 'at the top')).toBe(false)
    expect(finds('at', 'AT&T')).toBe(false)
    for (const name of ['mRNA', 'siRNAs', 'cDNA']) expect(lexicalTerms(name)).toHaveLength(1)
  })

  test('are the same however an identifier is written', () => {
    for (const name of ['getUserName', 'get_user_name', 'get-user-name', 'GetUserName'])
      expect(lexicalTerms(name)).toContain(lexicalTerms('getUserName')[0])
  })

  test('leave plain English its terms', () => {
    expect(lexicalTerms('The patient’s lungs were examined, and nothing was found in them.')).toEqual(
      'patient lung examin noth found them'.split(' '),
    )
  })
})

const parts = [
  'a B é ñ ß ø İ ı ς',
  'が ガ ー ｶﾞ 東 京 한 국 각',
  'ا أ ُ ـ ש ָ ״',
  'ภา ษา ไทย',
  '\u00ad \u200b \u200d \u200f \ufe0f',
  "- _ . ' & # + , @",
  '1 2 ٣ Ⅳ ½ ﬁ ㎏ ﷺ',
  '𠮷 𝒜 🙂',
].flatMap((list) => list.split(' '))
const texts = fc
  .array(
    fc.oneof(
      fc.constantFrom(...parts, ' ', '\n'),
      fc.string({ unit: 'grapheme', maxLength: 3 }),
      fc.string({ unit: 'binary', maxLength: 2 }),
    ),
    { maxLength: 30 },
  )
  .map((list) => list.join(''))

describe('the terms of any text', () => {
  test('are the same in every normal form', () => {
    fc.assert(
      fc.property(texts, fc.constantFrom('NFC', 'NFD', 'NFKC', 'NFKD'), (text, form) => {
        expect(lexicalTerms(text.normalize(form))).toEqual(lexicalTerms(text))
      }),
      { numRuns: 300, seed: 7 },
    )
  })

  test('are well-formed, without spaces, and find the text itself', () => {
    fc.assert(
      fc.property(texts, (text) => {
        const own = stored(text)
        for (const term of lexicalTerms(text)) {
          expect(own.has(term)).toBe(true)
          expect(term).toMatch(/^\S{1,64}$/)
          expect(term.isWellFormed()).toBe(true)
        }
      }),
      { numRuns: 300, seed: 8 },
    )
  })

  test('are where the marks are: each text marks itself, in order and within it', () => {
    fc.assert(
      fc.property(texts, (text) => {
        const marks = markPassage(text, text)
        if (lexicalTerms(text).length > 0) expect(marks.length).toBeGreaterThan(0)
        let last = 0
        for (const [start, end] of marks) {
          expect(start).toBeGreaterThanOrEqual(last)
          expect(end).toBeGreaterThan(start)
          last = end
        }
        expect(last).toBeLessThanOrEqual(text.length)
      }),
      { numRuns: 300, seed: 9 },
    )
  })
})

describe('marks in a passage', () => {
  const marked = (passage: string, query: string) =>
    markPassage(passage, query).map(([start, end]) => passage.slice(start, end))

  test('are the words of the query as the passage writes them', () => {
    expect(marked('Die Straße nach Zu\u0308rich', 'strasse zürich')).toEqual(['Straße', 'Zu\u0308rich'])
    expect(marked('We co\u00adop\u00aderate', 'cooperate')).toEqual(['co\u00adop\u00aderate'])
    expect(marked('مُحَمَّد هنا', 'محمد')).toEqual(['مُحَمَّد'])
    expect(marked('Treating the treated', 'treated treats')).toEqual(['Treating', 'treated'])
  })

  test('are characters and pairs of them where nothing separates words', () => {
    expect(marked('私は猫が好きです', '猫')).toEqual(['猫'])
    expect(marked('大きな東京都庁', '東京都')).toEqual(['東京都'])
    expect(marked('ｶﾞｲﾄﾞﾌﾞｯｸ', 'ガイド')).toEqual(['ｶﾞｲﾄﾞ'])
    expect(marked('ภาษาไทยเป็นภาษา', 'ภาษา')).toEqual(['ภาษา', 'ภาษา'])
  })

  test('are a compound, or the part that was asked for', () => {
    expect(marked('Use node.js, or a node.', 'node.js')).toEqual(['node.js', 'node'])
    expect(marked('Use node.js, or a node.', 'node')).toEqual(['node', 'node'])
    expect(marked('camelCase in C++ and .NET', 'case c++ .net')).toEqual(['Case', 'C++', '.NET'])
  })
})
