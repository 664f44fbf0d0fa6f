import { EigenvalueDecomposition, Matrix } from 'ml-matrix'

/** The `count` directions along which the vectors extend most (eigenvectors of their second moments), largest first. */
export function mainDirections(vectors: readonly Float64Array[], count: number): Float64Array[] {
  const width = vectors[0]?.length ?? 0
  const moments = new Float64Array(width * width)
  for (const vector of vectors) {
    for (let i = 0; i < width; i++) {
      for (let j = i; j < width; j++) moments[i * width + j]! += vector[i]! * vector[j]!
    }
  }
  const symmetric = Matrix.zeros(width, width)
  for (let i = 0; i < width; i++) {
    for (let j = 0; j < width; j++) symmetric.set(i, j, moments[Math.min(i, j) * width + Math.max(i, j)]!)
  }
  const { eigenvectorMatrix } = new EigenvalueDecomposition(symmetric, { assumeSymmetric: true })
  return Array.from({ length: count }, (_, k) => Float64Array.from(eigenvectorMatrix.getColumn(width - 1 - k)))
}

/** Coordinates of each vector along the directions. */
export function project(vectors: readonly Float64Array[], directions: readonly Float64Array[]): Float64Array[] {
  return vectors.map((vector) =>
    Float64Array.from(directions, (direction) => {
      let sum = 0
      for (let i = 0; i < vector.length; i++) sum += direction[i]! * vector[i]!
      return sum
    }),
  )
}
