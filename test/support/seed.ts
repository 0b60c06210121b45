// The seed of everything that is random in `npm test`: always the same, so that no run fails by chance.
// `npm run properties` plays others, and `PROPERTY_SEED=7` plays that one again.
const { PROPERTY_SEED = '20261129' } = process.env

export const SEED = PROPERTY_SEED === 'random' ? Date.now() % 2 ** 31 : Number(PROPERTY_SEED)
