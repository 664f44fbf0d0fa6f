import { pathToFileURL } from 'node:url'
import { isMainThread } from 'node:worker_threads'
import { bundlerAdvice, installedModule, messageOf, QontrastError } from '../shared/index.ts'

const name = 'onnxruntime-node'

/**
 * Loads ONNX Runtime from where it is installed with this package, unseen by bundlers, which cannot take in native code:
 * `dependency-missing` where that fails.
 */
export async function loadRuntime(): Promise<typeof import('onnxruntime-node')> {
  keepReportsHome()
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

/**
 * Version 1.30 reports its use to its maker, unless this variable is set before it is loaded; children inherit it. A worker thread has a copy of
 * the environment, which native code does not see: what is not in it yet can be set on the main thread only. A user's own setting stays.
 */
export function keepReportsHome(): void {
  if (process.env['ORT_DISABLE_TELEMETRY']) return
  if (isMainThread || process.platform === 'win32') {
    process.env['ORT_DISABLE_TELEMETRY'] = '1'
    return
  }
  throw new QontrastError(
    'invalid-option',
    "In a worker thread ONNX Runtime cannot be kept from reporting to its maker. Start the process with ORT_DISABLE_TELEMETRY=1, or set process.env.ORT_DISABLE_TELEMETRY = '1' on the main thread before the worker starts.",
  )
}
