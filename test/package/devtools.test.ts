// The devtools page of the built package: its files are in it as texts, in both forms, and nobody loads them by accident.
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { type Consumer, createConsumer } from '../support/consumer.js'

let consumer: Consumer

beforeAll(async () => {
  consumer = await createConsumer([inject('tarball')])
})

afterAll(() => consumer?.stop())

const PROGRAM = `
const token = 'a-token-of-enough-characters'
const cache = createCache({ name: 'shop' })
const { fetch } = devtools(cache, { token })
const get = async (path) => {
  const response = await fetch(new Request('http://localhost/devtools/' + path, { headers: { authorization: 'Bearer ' + token } }))
  return { status: response.status, text: await response.text() }
}
Promise.all(['', 'page.js', 'uPlot.js', 'uPlot.css'].map(get)).then(async (replies) => {
  console.log(JSON.stringify(replies.map(({ status, text }) => ({ status, text: text.slice(0, 200), length: text.length }))))
  await cache.close()
})`

test.each([
  ['program.mjs', "import { createCache } from 'tiercache'; import { devtools } from 'tiercache/devtools'"],
  ['program.cjs', "const { createCache } = require('tiercache'); const { devtools } = require('tiercache/devtools')"],
])('%s serves the page, with the library that draws its charts', async (file, imports) => {
  const [html, script, chart, style] = JSON.parse(await consumer.runProgram(file, `${imports}${PROGRAM}`))
  expect([html, script, chart, style].map(({ status }) => status)).toEqual([200, 200, 200, 200])
  expect(html.text).toMatch(/^<!doctype html>/i)
  expect(script.text).toMatch(/from"\.\/charts\.js"/)
  expect(chart.length).toBeGreaterThan(40_000)
  expect(style.text).toMatch(/\.uplot/)
})

test('the main entry does not load it', async () => {
  const program = `
    require('tiercache')
    console.log(JSON.stringify(Object.keys(require.cache).filter((file) => file.includes('devtools'))))`
  expect(JSON.parse(await consumer.runProgram('main.cjs', program))).toEqual([])
})
