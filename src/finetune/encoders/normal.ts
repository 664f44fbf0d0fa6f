/**
 * The normal distribution out of sums, products, quotients and square roots alone: IEEE 754 gives these to the last bit everywhere, where `Math.log` and
 * `Math.exp` may differ from engine to engine.
 */

/** The number below which a share of the standard normal distribution lies: AS241 (Wichura 1988), relative error about 1e-16; `share` in (0, 1). */
export function normalQuantile(share: number): number {
  const centred = share - 0.5
  if (Math.abs(centred) <= 0.425) return centred * ratio(central, 0.180625 - centred * centred)
  const root = Math.sqrt(-naturalLog(centred < 0 ? share : 1 - share))
  return Math.sign(centred) * (root <= 5 ? ratio(tail, root - 1.6) : ratio(farTail, root - 5))
}

/** The share of the standard normal distribution below a number (Marsaglia 2004). */
export function normalShare(x: number): number {
  if (Math.abs(x) > 8) return x > 0 ? 1 : 0
  let [term, sum] = [x, x]
  for (let i = 3; Math.abs(term) > Math.abs(sum) * 2 ** -54; i += 2) {
    term *= (x * x) / i
    sum += term
  }
  return 0.5 + (sum * exponential((-x * x) / 2)) / Math.sqrt(2 * Math.PI)
}

/** Of a number above 0 that is not denormal: `ln 2ᵉ m = e ln 2 + 2 artanh((m − 1) / (m + 1))`. */
function naturalLog(x: number): number {
  let [exponent, mantissa] = [0, x]
  for (; mantissa < Math.SQRT1_2; mantissa *= 2) exponent -= 1
  for (; mantissa > Math.SQRT2; mantissa /= 2) exponent += 1
  const z = (mantissa - 1) / (mantissa + 1)
  let [power, sum] = [z, z]
  for (let i = 3; Math.abs(power) > Math.abs(sum) * 2 ** -54; i += 2) {
    power *= z * z
    sum += power / i
  }
  return exponent * Math.LN2 + 2 * sum
}

/** `exp x = (exp x / 1024)¹⁰²⁴` */
function exponential(x: number): number {
  const small = x / 1024
  let [term, sum] = [1, 1]
  for (let i = 1; i <= 8; i++) {
    term *= small / i
    sum += term
  }
  for (let i = 0; i < 10; i++) sum *= sum
  return sum
}

interface Ratio {
  /** Coefficients from the highest power down. */
  readonly over: readonly number[]
  readonly under: readonly number[]
}

function ratio({ over, under }: Ratio, x: number): number {
  const at = (coefficients: readonly number[]) => coefficients.reduce((sum, coefficient) => sum * x + coefficient, 0)
  return at(over) / at(under)
}

const central: Ratio = {
  over: [
    2509.0809287301227, 33430.57558358813, 67265.7709270087, 45921.95393154987, 13731.69376550946, 1971.5909503065513,
    133.14166789178438, 3.3871328727963665,
  ],
  under: [
    5226.495278852546, 28729.085735721943, 39307.89580009271, 21213.794301586597, 5394.196021424751, 687.1870074920579,
    42.31333070160091, 1,
  ],
}
const tail: Ratio = {
  over: [
    0.0007745450142783414, 0.022723844989269184, 0.2417807251774506, 1.2704582524523684, 3.6478483247632045,
    5.769497221460691, 4.630337846156546, 1.4234371107496835,
  ],
  under: [
    1.0507500716444169e-9, 0.0005475938084995345, 0.015198666563616457, 0.14810397642748008, 0.6897673349851,
    1.6763848301838038, 2.053191626637759, 1,
  ],
}
const farTail: Ratio = {
  over: [
    2.0103343992922881e-7, 2.7115555687434876e-5, 0.0012426609473880784, 0.026532189526576124, 0.29656057182850487,
    1.7848265399172913, 5.463784911164114, 6.657904643501103,
  ],
  under: [
    2.0442631033899397e-15, 1.421511758316446e-7, 1.8463183175100548e-5, 0.0007868691311456133, 0.014875361290850615,
    0.1369298809227358, 0.599832206555888, 1,
  ],
}
