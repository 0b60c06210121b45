// The alert rules against their own tests, by promtool: each fires above its bound, does not below it, and resolves.
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { promtool } from '../../support/prometheus.js'

const fileAt = (name: string) => fileURLToPath(new URL(`../../../alerts/${name}`, import.meta.url))
const RULES = fileAt('tiercache.yml')
const TESTS = fileAt('tiercache.test.yml')

const alertNames = [...readFileSync(RULES, 'utf8').matchAll(/- alert: (\w+)/g)].map(([, name = '']) => name)

test('the rules are valid', () => {
  expect(promtool('check', 'rules', RULES)).toMatchObject({
    code: 0,
    output: expect.stringContaining(`${alertNames.length} rules found`),
  })
})

test('each alert fires above its bound, does not just below it, and resolves', () => {
  const run = promtool('test', 'rules', TESTS)
  expect(run.code, run.output).toBe(0)
})

test('each alert has such a test', () => {
  const tested = [...readFileSync(TESTS, 'utf8').matchAll(/- name: "(\w+):/g)].map(([, name]) => name)
  expect(alertNames).toHaveLength(10)
  expect(tested).toEqual(alertNames)
})

test('each alert names its section of the runbook: its own name in words', () => {
  const sections = [...readFileSync(RULES, 'utf8').matchAll(/runbook: docs\/runbook\.md#(\S+)/g)].map(
    ([, name]) => name,
  )
  expect(sections).toEqual(alertNames.map((name) => name.replace(/(?<=[a-z0-9])(?=[A-Z])/g, '-').toLowerCase()))
})
