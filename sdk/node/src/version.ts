/** This SDK's own version, which it sends in `User-Agent`. */
export const VERSION = '0.1.0';
