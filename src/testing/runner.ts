import type { VectorStore } from '../index/index.ts'

/**
 * What a suite needs of a test runner. The modules `vitest`, `@jest/globals` and `bun:test` are such;
 * of `node:test` it is, together with `expect` from the package of that name.
 */
export interface TestRunner {
  describe(name: string, body: () => void): void
  readonly test: Test & { skip(name: string, body: () => void): void }
  beforeEach(body: () => Promise<void>): void
  afterEach(body: () => Promise<void>): void
  readonly expect: Expect
}

/** The last argument is a timeout in milliseconds. */
export type Test = (name: string, body: () => Promise<void>, timeout?: number) => void

export interface Expect {
  (value: unknown): Expectation
  stringMatching(pattern: RegExp): unknown
}

export interface Expectation {
  toBe(expected: unknown): void
  toBeUndefined(): void
  toBeCloseTo(expected: number, digits?: number): void
  toBeGreaterThan(expected: number): void
  toBeLessThan(expected: number): void
  toEqual(expected: unknown): void
  toHaveLength(expected: number): void
  toMatchObject(expected: object): void
  readonly rejects: { toMatchObject(expected: object): Promise<void> }
}

/** A store that holds nothing yet. */
export interface StoreUnderTest {
  readonly store: VectorStore
  /** A second handle on the same data, as another process would have it. */
  reopen?(): Promise<VectorStore>
  /** Closes what was opened, and removes the data. */
  dispose(): Promise<void>
}

/** What a store may leave out. */
export type Omission = 'aliases' | 'reopen'

/** What tests of a store are given: the store of the test that runs. */
export interface StoreTests {
  readonly test: Test
  readonly expect: Expect
  readonly at: { readonly store: VectorStore; reopen(): Promise<VectorStore> }
}
