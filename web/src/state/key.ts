const ALPHABET = 'abcdefghijkmnpqrstuvwxyz23456789';

/**
 * Makes a session's key of its first message, so that people find the session again by what it is about. The tail keeps
 * two sessions that begin alike apart; no key can be guessed from the message alone.
 */
export function newKey(message: string, today = new Date()): string {
  const words = message
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, ' ')
    .trim()
    .split(' ')
    .filter(Boolean);
  let slug = '';
  for (const word of words) {
    if (slug.length + word.length > 44) break;
    slug += slug ? `-${word}` : word;
  }
  if (slug.length < 3) slug = `chat-${today.toISOString().slice(0, 10)}`;
  const tail = Array.from(crypto.getRandomValues(new Uint8Array(8)), (b) => ALPHABET[b % ALPHABET.length]).join('');
  return `${slug}-${tail}`;
}

const MADE_HERE = /^(.+)-[a-z2-9]{8}$/;

/** What to call a session: the words of a key that this page has made, any other key as it is. */
export function titleOf(key: string): string {
  const words = MADE_HERE.exec(key)?.[1]?.replaceAll('-', ' ');
  if (words === undefined || key.startsWith('session_')) return key;
  const dated = /^chat (\d{4}) (\d\d) (\d\d)$/.exec(words);
  if (dated) return `Chat of ${dated.slice(1).join('-')}`;
  return words.charAt(0).toUpperCase() + words.slice(1);
}
