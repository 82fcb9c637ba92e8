import { expect, test } from 'vitest'
import { Asked } from '../src/state/asked.svelte'

/** A question whose answers are given by hand, in any order. */
function questions() {
  const answers: Array<(text: string) => void> = []
  const asked = new Asked<string>(() => new Promise((resolve) => answers.push(resolve)))
  return { asked, answers }
}

test('an answer that another question overtook is shown until that one has its own', async () => {
  const { asked, answers } = questions()
  const first = asked.load('cloud', 'web')
  const second = asked.load('cloud', 'web')
  answers[0]!('old')
  await first
  expect(asked.of('cloud', 'web').value).toBe('old')
  answers[1]!('new')
  await second
  expect(asked.of('cloud', 'web').value).toBe('new')
})

test('an older answer never takes the place of a newer one', async () => {
  const { asked, answers } = questions()
  const first = asked.load('cloud', 'web')
  const second = asked.load('cloud', 'web')
  answers[1]!('new')
  await second
  answers[0]!('old')
  await first
  expect(asked.of('cloud', 'web').value).toBe('new')
})
