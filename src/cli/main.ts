#!/usr/bin/env node
import { complaintAboutNode } from '../shared/index.ts'

// The rest is imported afterwards: an old Node could not even read it.
const complaint = complaintAboutNode(process.versions.node)
if (complaint) {
  console.error(`error: ${complaint}`)
  process.exitCode = 1
} else {
  void import('./run.ts').then(({ run }) => run())
}
