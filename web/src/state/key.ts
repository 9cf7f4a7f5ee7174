const DIGITS = '23456789';
const ALPHABET = `abcdefghijkmnpqrstuvwxyz${DIGITS}`;

/**
 * Makes a session's key of its first message, so that people find the session again by what it is about. The tail keeps
 * two sessions that begin alike apart; no key can be guessed from the message alone.
 */
export function newKey(message: string, today = new Date()): string {
  const words = message
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .replace(/[’']/g, '')
    .replace(/[^A-Za-z0-9]+/g, ' ')
    .trim()
    .split(' ')
    .filter(Boolean);
  let slug = '';
  for (const word of words) {
    if (slug.length + word.length > 44) break;
    slug += slug ? `-${word}` : word;
  }
  if (slug.length < 3) slug = `chat-${today.toISOString().slice(0, 10)}`;
  const tail = Array.from(crypto.getRandomValues(new Uint8Array(8)), (b, i) =>
    i === 7 ? DIGITS[b % DIGITS.length] : ALPHABET[b % ALPHABET.length],
  );
  return `${slug}-${tail.join('')}`;
}

/** No word ends in a digit by chance as often as a tail does always. */
const MADE_HERE = /^(.+)-[a-z2-9]{7}[2-9]$/;

/** What to call a session: the words of a key that this page has made, any other key as it is. */
export function titleOf(key: string): string {
  const words = MADE_HERE.exec(key)?.[1]?.replaceAll('-', ' ');
  if (words === undefined || key.startsWith('session_')) return key;
  const dated = /^chat (\d{4}) (\d\d) (\d\d)$/.exec(words);
  if (dated) return `Chat of ${dated.slice(1).join('-')}`;
  return words;
}
