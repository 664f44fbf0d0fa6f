import { pathToFileURL } from 'node:url'
import { bundlerAdvice, installedModule, messageOf, QontrastError } from '../shared/index.ts'

const name = 'onnxruntime-node'

/**
 * Loads ONNX Runtime from where it is installed with this package, unseen by bundlers, which cannot take in native code:
 * `dependency-missing` where that fails. Version 1.30 reports its use to its maker from Linux, unless this is set before it is loaded; children
 * inherit it.
 */
export async function loadRuntime(): Promise<typeof import('onnxruntime-node')> {
  process.env['ORT_DISABLE_TELEMETRY'] ??= '1'
  try {
    const { href } = pathToFileURL(installedModule(name).path)
    return await import(/* @vite-ignore */ /* webpackIgnore: true */ /* turbopackIgnore: true */ href)
  } catch (cause) {
    throw new QontrastError(
      'dependency-missing',
      `ONNX Runtime cannot be loaded on ${process.platform} ${process.arch}: ${messageOf(cause).split('\n', 1)[0]}. Install it for this platform: ONNXRUNTIME_NODE_INSTALL=skip npm install ${name}@1.30.0 (the variable leaves out its script, which fetches CUDA libraries and fails behind a firewall). ${bundlerAdvice}`,
      { cause },
    )
  }
}
