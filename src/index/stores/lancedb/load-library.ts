import { bundlerAdvice, messageOf, QontrastError } from '../../../shared/index.ts'

/**
 * Loads LanceDB: `dependency-missing` where its native code is not installed. It reads how much it shall log while it is loaded, and by
 * default writes its warnings to stderr: a user's own setting stays.
 */
export async function loadLibrary(): Promise<typeof import('./library.ts')> {
  process.env['LANCEDB_LOG'] ??= 'error'
  try {
    return await import('./library.ts')
  } catch (cause) {
    throw new QontrastError(
      'dependency-missing',
      `LanceDB's native code for ${process.platform} ${process.arch} cannot be loaded. Install it: npm install ${nativePackage()}; or use a Qdrant server (qdrant({ url })). ${bundlerAdvice} The reason: ${messageOf(cause).split('\n', 1)[0]}`,
      { cause },
    )
  }
}

const libcs = { darwin: [''], win32: ['-msvc'], linux: ['-gnu', '-musl'] } as const

/** The package that has this platform's code; on Linux by the libc that runs. */
function nativePackage(): string {
  const { platform, arch } = process
  const kinds = platform === 'darwin' || platform === 'win32' ? libcs[platform] : libcs.linux
  const report: unknown = process.report?.getReport()
  const musl = platform === 'linux' && !JSON.stringify(report ?? '').includes('glibcVersionRuntime')
  return `@lancedb/lancedb-${platform}-${arch}${(musl ? kinds.at(-1) : kinds[0]) ?? ''}@0.39.0`
}
