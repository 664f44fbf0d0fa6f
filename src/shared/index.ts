export {
  abortError,
  createPace,
  nextTurn,
  orAborted,
  type PatientSignal,
  patientSignal,
  throwIfAborted,
} from './abort.ts'
export { checkNode, complaintAboutNode } from './check-node.ts'
export type { Document, Section } from './document.ts'
export { type ErrorCode, isQontrastError, messageOf, QontrastError, systemCodeOf } from './errors.ts'
export { createFairTurns, type FairTurns } from './fair-turns.ts'
export { createFirstPlaces } from './first-places.ts'
export { type JsonObject, type JsonValue, mayHoldLargeNumbers, parseJson, writeJson } from './json.ts'
export { isError, isKind, isPromise, isTypeError } from './kinds.ts'
export { inLanes } from './lanes.ts'
export { linesOf } from './lines.ts'
export { createMatrix, dot, type Matrix, normalizeInPlace } from './matrix.ts'
export { dateForms, momentOf } from './moment.ts'
export { checkOptionKeys, nearest, type OptionKeys } from './option-keys.ts'
export { own } from './own.ts'
export { bundlerAdvice, installedModule, packageFile, packageFolder } from './package-files.ts'
export { packageVersion } from './package-version.ts'
export type { OnProgress, Progress } from './progress.ts'
export { combineSeeds, createRandom, createStream, shuffled } from './random.ts'
export { answerNames, isJudgement, numberedTexts, placeOfColumn, plainName, questionNames } from './records/columns.ts'
export {
  type DataRow,
  extensionOf,
  isRowFile,
  type ReadRowsOptions,
  readRows,
  rowExtensions,
} from './records/read-rows.ts'
export { textPieces } from './records/text-pieces.ts'
export {
  halfToFloat,
  readSafetensors,
  readSafetensorsHead,
  type StoredTensor,
  type TensorHead,
} from './safetensors/read.ts'
export { type TensorToWrite, writeSafetensors } from './safetensors/write.ts'
export { type SearchMode, searchModes } from './search-modes.ts'
export { type CellValue, type ColumnType, cellValue } from './table/column-types.ts'
export { openTable, type Table } from './table/open-table.ts'
export type { LostLines, TableForm, TableRow } from './table/parse-rows.ts'
export { currentWork, onAccountOf, type Work } from './work.ts'
