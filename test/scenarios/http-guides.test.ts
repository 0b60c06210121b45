// The programs in the guides for frameworks and packages do what their comments say.
import * as fastify from 'fastify'
import * as hono from 'hono'
import Keyv from 'keyv'
import koa from 'koa'
import * as tiercache from 'tiercache'
import * as http from 'tiercache/http'
import * as tiercacheKeyv from 'tiercache/keyv'
import { expect, test } from 'vitest'
import { runGuide } from '../support/guide.js'

const modules = {
  tiercache,
  'tiercache/http': http,
  'tiercache/keyv': tiercacheKeyv,
  fastify,
  hono,
  keyv: { __esModule: true, default: Keyv },
  koa,
}

test.each(['http-fastify', 'http-hono', 'http-koa', 'keyv'])(
  'the program of the guide %s prints what it says',
  async (name) => {
    const { promised, printed } = await runGuide(name, modules, { esModuleInterop: true })
    expect(promised.length).toBeGreaterThan(3)
    expect(printed).toEqual(promised)
  },
)
