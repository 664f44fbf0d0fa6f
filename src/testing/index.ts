export { type EncoderSuiteOptions, encoderSuite } from './encoder-suite.ts'
export type { Expect, Expectation, Omission, StoreUnderTest, Test, TestRunner } from './runner.ts'
export { type StoreSuiteOptions, storeSuite } from './store-suite.ts'
