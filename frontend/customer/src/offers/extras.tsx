// What an insurer sells together with the policy: what is mandatory is in the price, and is said.

import { sumText } from '../words';
import type { Extra, Offer } from './types';

export function Extras({ offer }: { offer: Offer }) {
  const extras = offer.extras ?? [];
  const [mandatory, others] = [extras.filter((one) => one.isMandatory), extras.filter((one) => !one.isMandatory)];
  if (!extras.length) return null;
  return (
    <ul class="extras">
      {mandatory.length > 0 && (
        <li>
          Полис {sumText(offer.premium.amount, offer.premium.currency)} и обязательно: {mandatory.map(priced).join('; ')}
        </li>
      )}
      {others.length > 0 && <li class="extras__more">По желанию: {others.map(priced).join('; ')}</li>}
    </ul>
  );
}

const priced = ({ name, price }: Extra) => `${name}\u00a0— ${sumText(price.amount, price.currency)}`;
