// The programs in the guides for frameworks do what their comments say.
import * as fastify from 'fastify'
import * as hono from 'hono'
import koa from 'koa'
import * as tiercache from 'tiercache'
import * as http from 'tiercache/http'
import { expect, test } from 'vitest'
import { runGuide } from '../support/guide.js'

const modules = { tiercache, 'tiercache/http': http, fastify, hono, koa }

test.each(['fastify', 'hono', 'koa'])('the program of the guide for %s prints what the guide says', async (name) => {
  const { promised, printed } = await runGuide(`http-${name}`, modules, { esModuleInterop: true })
  expect(promised.length).toBeGreaterThan(3)
  expect(printed).toEqual(promised)
})
