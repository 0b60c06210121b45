// The program of the guide on `idleTtl`: what it prints is what its comments promise.
import * as tiercache from 'tiercache'
import * as testing from 'tiercache/testing'
import { expect, test } from 'vitest'
import { runGuide } from '../../support/guide.js'

test('the program of the guide prints what the guide says', async () => {
  const { promised, printed } = await runGuide('idle-ttl', { tiercache, 'tiercache/testing': testing })
  expect(promised.length).toBeGreaterThan(5)
  expect(printed).toEqual(promised)
})
