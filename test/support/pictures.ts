import type { Raster } from '../../src/media/index.ts'

/** A picture that `tools/picture_fixtures.py` computes too. */
export function seenPicture(width: number, height: number): Raster {
  const data = new Uint8Array(width * height * 3)
  for (let y = 0, at = 0; y < height; y++)
    for (let x = 0; x < width; x++)
      for (let c = 0; c < 3; c++, at++)
        data[at] = (Math.floor((x * 255) / width) + Math.floor((y * 200) / height) + c * 40 + ((x * y) % 17)) % 256
  return { width, height, data }
}
