/** The Python side of a bench: an interpreter and the folder of PyTorch's weights. */
export interface PyTorch {
  readonly python: string
  readonly weights: string
}

/** What PYTHON and PYTORCH_MODEL name; undefined without PYTHON, said in a line. Ends the bench where only one of the two is set. */
export function findPyTorch(packages: string): PyTorch | undefined {
  const { PYTHON: python, PYTORCH_MODEL: weights } = process.env
  if (python && weights) return { python, weights }
  const what = `PYTHON is an interpreter that has ${packages}, PYTORCH_MODEL the folder of the model's weights for PyTorch`
  if (python || weights) {
    console.error(`error: set ${python ? 'PYTORCH_MODEL' : 'PYTHON'} too: ${what}.`)
    process.exit(2)
  }
  console.error(`skipped: the side in Python (${what})`)
  return undefined
}
