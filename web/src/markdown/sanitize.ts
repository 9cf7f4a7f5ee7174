import DOMPurify from 'dompurify';

// The formats an answer can have, and nothing that acts, embeds, names or styles.
const TAGS = [
  ...['p', 'br', 'hr', 'h1', 'h2', 'h3', 'h4', 'h5', 'h6', 'blockquote', 'pre', 'code', 'ul', 'ol', 'li'],
  ...[
    'strong',
    'em',
    'b',
    'i',
    'u',
    's',
    'del',
    'ins',
    'mark',
    'sub',
    'sup',
    'kbd',
    'samp',
    'var',
    'abbr',
    'small',
    'q',
  ],
  ...['table', 'thead', 'tbody', 'tr', 'th', 'td', 'details', 'summary', 'dl', 'dt', 'dd', 'a', 'span'],
];

/** Of classes only the language of code, and the highlighter's: any other could dress text up as the page's own. */
const CLASSES = /^(?:language-[\w+#.-]{1,30}|hljs-[\w -]{1,60})$/;

DOMPurify.addHook('uponSanitizeAttribute', (_, attribute) => {
  if (attribute.attrName === 'class') attribute.keepAttr = CLASSES.test(attribute.attrValue);
});

/**
 * Makes a fragment of HTML that nobody vouches for. What it holds can be shown and cannot act, whatever the parser of
 * Markdown let through.
 */
export function sanitize(html: string): DocumentFragment {
  return DOMPurify.sanitize(html, {
    ALLOWED_TAGS: TAGS,
    ALLOWED_ATTR: ['href', 'title', 'align', 'start', 'open', 'class', 'colspan', 'rowspan'],
    // Without this they would have to look like addresses too.
    ADD_URI_SAFE_ATTR: ['align', 'start', 'open', 'colspan', 'rowspan'],
    ALLOWED_URI_REGEXP: /^(?:https?:|mailto:)/i,
    ALLOW_DATA_ATTR: false,
    ALLOW_ARIA_ATTR: false,
    RETURN_DOM_FRAGMENT: true,
  });
}
