import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import fc from 'fast-check'
import iconv from 'iconv-lite'
import { beforeEach, expect, test } from 'vitest'
import { decodeText } from '../../src/documents/decode.ts'
import { isQontrastError } from '../../src/shared/index.ts'
import { putFiles, readFiles } from '../support/read-files.ts'
import { temporaryFolder } from '../support/temporary.ts'

let folder: string
beforeEach(async () => {
  folder = await temporaryFolder()
})

/** A few sentences of each language, in the encodings that its texts were written in. */
const samples: readonly { text: string; encodings: readonly string[] }[] = [
  {
    text: 'Die Größe der Straße überrascht. Für Gäste gibt es süße Äpfel, und müde Wanderer können im Café übernachten.\n',
    encodings: ['windows-1252', 'utf-16le', 'utf-16be'],
  },
  {
    text: "L'élève a oublié son cahier à l'école. Où est-elle allée après la fête ? Ça n'a pas été très facile.\n",
    encodings: ['windows-1252'],
  },
  { text: 'It’s “quoted” text – with a dash… and 50 € for a café.\n', encodings: ['windows-1252'] },
  {
    text: 'Zażółć gęślą jaźń. Proszę sprawdzić, czy wszystkie pliki zostały poprawnie zapisane w bieżącym katalogu.\n',
    encodings: ['windows-1250', 'iso-8859-2'],
  },
  {
    text: 'Быстрая лисица перепрыгивает через ленивую собаку, а затем возвращается домой, чтобы отдохнуть.\n',
    encodings: ['windows-1251', 'koi8-r', 'iso-8859-5', 'utf-16le'],
  },
  {
    text: 'Η γρήγορη αλεπού πηδάει πάνω από το τεμπέλικο σκυλί και μετά επιστρέφει στο σπίτι της για να ξεκουραστεί.\n',
    encodings: ['windows-1253', 'iso-8859-7'],
  },
  {
    text: 'Hızlı kahverengi tilki tembel köpeğin üzerinden atlar ve sonra dinlenmek için evine geri döner. Şimdi gidiyoruz, çünkü yağmur başladı.\n',
    encodings: ['windows-1254'],
  },
  { text: 'השועל החום המהיר קופץ מעל הכלב העצלן ואחר כך חוזר הביתה לנוח.\n', encodings: ['windows-1255'] },
  { text: 'يقفز الثعلب البني السريع فوق الكلب الكسول ثم يعود إلى البيت ليستريح.\n', encodings: ['windows-1256'] },
  {
    text: 'これは日本語の文章です。文字コードを正しく判定できるかどうかを確認します。東京は日本の首都です。\n',
    encodings: ['shift_jis', 'euc-jp', 'utf-16be'],
  },
  {
    text: '这是一个用来测试编码识别的中文文件。北京是中华人民共和国的首都，也是全国的政治中心和文化中心。\n',
    encodings: ['gbk', 'gb18030', 'utf-16le'],
  },
  { text: '這是一個用來測試編碼識別的中文檔案。臺北是一個非常美麗的城市，歡迎大家來參觀。\n', encodings: ['big5'] },
  {
    text: '이것은 인코딩 인식을 시험하기 위한 한국어 문장입니다. 서울은 대한민국의 수도입니다.\n',
    encodings: ['euc-kr'],
  },
]

test.each(samples.flatMap(({ text, encodings }) => encodings.map((encoding) => [encoding, text] as const)))(
  '%s is recognised: %s',
  async (encoding, text) => {
    await writeFile(path.join(folder, 'a.txt'), iconv.encode(text, encoding))
    const { documents, failures, notices } = await readFiles(folder)
    expect(failures).toEqual([])
    expect(documents.map((document) => document.text)).toEqual([text])
    expect(notices).toMatchObject([{ kind: 'encoding', path: expect.stringMatching(/a\.txt$/) }])
  },
)

test('UTF-8 with a broken byte is refused with its place, and not read as Latin-1', async () => {
  const good = Buffer.from('Grüße\nund Küsse aus Köln: é è ê\nEnde\n')
  const broken = Buffer.from(good)
  broken[broken.indexOf('ü', 8) + 1] = 0x20
  await putFiles(folder, { 'broken.txt': broken, 'cut.txt': good.subarray(0, good.indexOf('ê') + 1), 'good.txt': good })
  const { documents, failures } = await readFiles(folder)
  expect(documents.map(({ text }) => text)).toEqual([good.toString()])
  expect(failures).toMatchObject([
    { code: 'file-unreadable', reason: expect.stringContaining('byte 0xC3 at offset 13, line 2') },
    { code: 'file-unreadable', reason: expect.stringContaining('line 2') },
  ])
})

test('what cannot be told for certain is refused, with what was tried and how to go on', async () => {
  await putFiles(folder, { 'a.txt': Buffer.from('h\xffi', 'latin1') })
  const { documents, failures } = await readFiles(folder)
  expect(documents).toEqual([])
  expect(failures[0]?.reason).toMatch(/byte 0xFF at offset 1, line 1.*for certain.*--encoding/)
  expect((await readFiles(folder, { encoding: 'latin1' })).documents).toMatchObject([{ text: 'hÿi' }])
  await expect(readFiles(folder, { encoding: 'klingon' })).rejects.toMatchObject({ code: 'invalid-option' })
})

test('an encoding that is asked for leaves files of UTF-8 and files with a mark alone', async () => {
  await putFiles(folder, {
    'a.txt': 'Grüße',
    'b.txt': Buffer.from('\ufeffGrüße', 'utf16le'),
    'c.txt': iconv.encode('Grüße', 'macintosh'),
  })
  const { documents } = await readFiles(folder, { encoding: 'macintosh' })
  expect(documents.map(({ text }) => text)).toEqual(['Grüße', 'Grüße', 'Grüße'])
})

test('binary files are said to be binary, UTF-32 by its name', async () => {
  const noise = Buffer.from(Array.from({ length: 4_000 }, (_, i) => (i * 7919 + (i >> 3) * 104_729) % 256))
  await putFiles(folder, {
    'a.txt': noise,
    'b.txt': Buffer.from('PK\u0003\u0004\u0014\u0000', 'latin1'),
    'c.txt': Buffer.from(Array.from({ length: 200 }, (_, i) => 1 + (i % 31))),
    'd.txt': Buffer.from([0xff, 0xfe, 0, 0, 0x61, 0, 0, 0]),
  })
  const { failures } = await readFiles(folder)
  expect(failures.map(({ reason }) => /binary|UTF-32/.exec(reason)?.[0])).toEqual([
    'binary',
    'binary',
    'binary',
    'UTF-32',
  ])
})

test('HTML is in the encoding that it declares; what it declares wrongly is told', async () => {
  const page = (charset: string, text: string) =>
    `<!doctype html><meta charset=${charset}><title>x</title><p>${text}</p>`
  await putFiles(folder, {
    'a.html': iconv.encode(page('iso-8859-1', 'Grüße für 5 €'), 'windows-1252'),
    'b.html': iconv.encode(page('shift_jis', '日本'), 'shift_jis'),
    'c.html': iconv.encode(
      '<meta http-equiv="Content-Type" content="text/html; charset=windows-1251"><p>Да</p>',
      'windows-1251',
    ),
    'd.html': Buffer.from(`\ufeff${page('iso-8859-1', 'Grüße')}`),
    'e.html': Buffer.from(page('iso-8859-1', 'Grüße')),
    'f.html': iconv.encode(page('utf-8', 'Grüße'), 'windows-1252'),
  })
  const { documents, failures } = await readFiles(folder)
  expect(documents.map(({ text }) => text.trim())).toEqual(['Grüße für 5 €', '日本', 'Да', 'Grüße', 'Grüße'])
  expect(failures).toMatchObject([
    { path: expect.stringMatching(/f\.html$/), reason: expect.stringContaining('broken byte') },
  ])
})

test('tables in old encodings stream: the first character beyond ASCII may come late', async () => {
  const rows = (from: number, to: number, text: string) =>
    Array.from({ length: to - from }, (_, i) => JSON.stringify({ id: from + i, text })).join('\n')
  const late = `${rows(0, 20_000, 'plain words only')}\n${rows(20_000, 21_000, 'Größe und Straße für die müden Gäste')}\n`
  await putFiles(folder, {
    'a.jsonl': iconv.encode(late, 'windows-1252'),
    'b.csv': iconv.encode(`id,text\n1,これは日本語の文章です。\n2,東京は日本の首都です。\n`, 'shift_jis'),
    'c.jsonl': Buffer.concat([Buffer.from(late.repeat(2)), Buffer.from('{"id":1,"text":"\xe9"}\n', 'latin1')]),
  })
  const { documents, failures, notices } = await readFiles(folder)
  expect(documents.filter(({ payload }) => payload?.['path'] === 'a.jsonl')).toHaveLength(21_000)
  expect(documents.find(({ id }) => id.endsWith('a.jsonl#20999'))?.text).toBe('Größe und Straße für die müden Gäste')
  expect(documents.filter(({ payload }) => payload?.['path'] === 'b.csv').map(({ text }) => text)).toEqual([
    'これは日本語の文章です。',
    '東京は日本の首都です。',
  ])
  expect(failures.filter(({ reason }) => reason.includes('broken byte: byte 0xE9'))).toMatchObject([
    { reason: expect.stringContaining('line 42001') },
  ])
  expect(notices.map(({ detail }) => detail)).toEqual(['windows-1252', 'shift_jis'])
})

test('a text that lost characters before is read, and said', async () => {
  await putFiles(folder, { 'a.txt': 'lost \ufffd here' })
  const { documents, notices } = await readFiles(folder)
  expect(documents).toMatchObject([{ text: 'lost \ufffd here' }])
  expect(notices).toMatchObject([{ kind: 'replaced' }])
})

/** Words of many languages, as Node knows them. */
function wordsOf(language: string): readonly string[] {
  const names = new Intl.DisplayNames([language], { type: 'region' })
  const countries =
    'DE FR IT ES PL HU RU BG GR TR IL EG JP CN KR SE NO DK FI IE PT BR US NL BE CH AT AU NZ MX AR CL IN ZA'
  return countries.split(' ').flatMap((code) => names.of(code) ?? [])
}

const languages: readonly { language: string; encodings: readonly string[] }[] = [
  { language: 'de', encodings: ['windows-1252', 'utf-16le', 'utf-16be', 'utf-8'] },
  { language: 'es', encodings: ['windows-1252', 'utf-8'] },
  { language: 'hu', encodings: ['windows-1250', 'iso-8859-2', 'utf-8'] },
  { language: 'ru', encodings: ['windows-1251', 'koi8-r', 'iso-8859-5', 'utf-16le'] },
  { language: 'el', encodings: ['windows-1253', 'iso-8859-7', 'utf-8'] },
  { language: 'he', encodings: ['windows-1255', 'utf-16be'] },
  { language: 'ar', encodings: ['windows-1256', 'utf-8'] },
  { language: 'th', encodings: ['win874', 'utf-8'] },
  { language: 'ja', encodings: ['shift_jis', 'euc-jp', 'utf-8', 'utf-16le'] },
  { language: 'zh-Hant', encodings: ['big5', 'utf-8'] },
  { language: 'ko', encodings: ['euc-kr', 'utf-8'] },
]

const writtenText = fc
  .constantFrom(...languages)
  .chain(({ language, encodings }) =>
    fc.record({
      encoding: fc.constantFrom(...encodings),
      words: fc.array(fc.constantFrom(...wordsOf(language)), { minLength: 6, maxLength: 80 }),
      separator: fc.constantFrom(' ', ', ', '\n', '\r\n'),
    }),
  )
  .map(({ encoding, words, separator }) => ({ encoding, text: `${words.join(separator)}\n` }))
  .filter(({ encoding, text }) => iconv.decode(iconv.encode(text, encoding), encoding) === text)

test('texts in many encodings come back equal, or are refused by name', async () => {
  let [read, refused] = [0, 0]
  await fc.assert(
    fc.asyncProperty(writtenText, async ({ encoding, text }) => {
      try {
        expect(await decodeText(iconv.encode(text, encoding))).toBe(text)
        read += 1
      } catch (error) {
        if (!isQontrastError(error, 'file-unreadable')) throw error
        expect(error.message).toContain('--encoding')
        refused += 1
      }
    }),
    { numRuns: 200, seed: 7 },
  )
  expect(read).toBeGreaterThan(2 * refused)
})

test('any string comes back from UTF-8, and from UTF-16 with a mark', async () => {
  await fc.assert(
    fc.asyncProperty(fc.string({ unit: 'binary' }), async (raw) => {
      const text = `a${raw.replaceAll(/\p{Cc}/gu, ' ').toWellFormed()}`
      expect(await decodeText(Buffer.from(text))).toBe(text)
      expect(await decodeText(Buffer.from(`\ufeff${text}`, 'utf16le'))).toBe(text)
    }),
  )
})

test('any bytes are decoded without replacement, or refused', async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 400 }), async (bytes) => {
      const text = await decodeText(bytes).catch((error: unknown) => {
        if (!isQontrastError(error, 'file-unreadable')) throw error
        return ''
      })
      const holdsMark = Buffer.from(bytes).includes(Buffer.from('\ufffd')) || Buffer.from(bytes).includes(0xfd)
      if (!holdsMark) expect(text).not.toContain('\ufffd')
    }),
  )
})
