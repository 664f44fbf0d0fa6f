/** Loads LanceDB. It reads how much it shall log while it is loaded, and by default writes its warnings to stderr: a user's own setting stays. */
export function loadLibrary(): Promise<typeof import('./library.ts')> {
  process.env['LANCEDB_LOG'] ??= 'error'
  return import('./library.ts')
}
