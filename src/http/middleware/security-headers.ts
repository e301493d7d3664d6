import type { RequestHandler } from 'express';
import helmet from 'helmet';

/**
 * Headers that make browsers strict: pages of the server run only its own scripts and styles, and no
 * other site frames or embeds its answers. HTTPS is the business of the proxy that speaks it, so
 * nothing here sends browsers there.
 */
export function securityHeaders(): RequestHandler {
  return helmet({
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        'default-src': ["'self'"],
        'img-src': ["'self'", 'data:'],
        'style-src': ["'self'", "'unsafe-inline'"],
        'object-src': ["'none'"],
        'base-uri': ["'none'"],
        'form-action': ["'self'"],
        'frame-ancestors': ["'none'"],
      },
    },
    strictTransportSecurity: false,
    xFrameOptions: { action: 'deny' },
  });
}
