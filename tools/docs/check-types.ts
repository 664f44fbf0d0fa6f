import path from 'node:path'
import ts from 'typescript'

/** The complaints of a strict compiler about files, each with the file's name; modules are resolved from where the files are. */
export function checkTypes(files: readonly string[]): { file: string; message: string }[] {
  const program = ts.createProgram([...files], {
    target: ts.ScriptTarget.ESNext,
    lib: ['lib.esnext.d.ts', 'lib.dom.d.ts', 'lib.dom.iterable.d.ts'],
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
    types: ['node'],
    strict: true,
    skipLibCheck: true,
    noEmit: true,
  })
  return ts.getPreEmitDiagnostics(program).map(({ file, start = 0, messageText }) => {
    const text = ts.flattenDiagnosticMessageText(messageText, '\n')
    if (!file) return { file: '', message: text }
    const { line } = file.getLineAndCharacterOfPosition(start)
    return { file: path.normalize(file.fileName), message: `${text}\n  ${file.text.split('\n')[line]?.trim()}` }
  })
}
