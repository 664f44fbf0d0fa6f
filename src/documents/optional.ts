import { QontrastError, systemCodeOf } from '../shared/index.ts'

/** Imports a package that only some formats need. `dependency-missing` says the line that installs it. */
export async function importOptional<Module>(name: string, what: string, load: () => Promise<Module>): Promise<Module> {
  try {
    return await load()
  } catch (cause) {
    if (systemCodeOf(cause) !== 'ERR_MODULE_NOT_FOUND') throw cause
    throw new QontrastError(
      'dependency-missing',
      `${what} are read by the package '${name}'. Install it: npm install ${name}`,
      { cause },
    )
  }
}
