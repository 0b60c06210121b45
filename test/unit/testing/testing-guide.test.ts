// The program of the testing guide prints what its comments say.
import * as tiercache from 'tiercache'
import * as testing from 'tiercache/testing'
import { expect, test } from 'vitest'
import { runGuide } from '../../support/guide.js'

test('the program of the testing guide prints what the guide says, without waiting in real time', async () => {
  const { promised, printed } = await runGuide('testing', { tiercache, 'tiercache/testing': testing })
  expect(printed).toEqual(promised)
})
