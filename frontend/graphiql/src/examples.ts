/**
 * The tabs that a newcomer finds: create a request, watch the quotes come, look at what there is. The people are
 * invented, the numbers have the right form.
 */
import { LAST_CREATED } from './lastCreated';

export type Example = { readonly query: string; readonly variables: string };

export function examples(startsOn: string): [Example, ...Example[]] {
  const lastCreated = { requestId: LAST_CREATED };
  return [
    { query: CREATE, variables: pretty({ input: input(startsOn) }) },
    { query: WATCH, variables: pretty({ ...lastCreated, after: null }) },
    { query: LOOK, variables: pretty(lastCreated) },
  ];
}

const CREATE = `# 1. Asks every insurer: Ctrl-Enter runs it. Then open tab 2.
#
# The new id is remembered and sent wherever the variables
# of the other tabs say "${LAST_CREATED}". The watchToken lets
# a browser see this one request: try it under Headers.
mutation CreateQuoteRequest($input: CreateQuoteRequestInput!) {
  createQuoteRequest(input: $input) {
    __typename
    ... on QuoteRequestAccepted {
      quoteRequest {
        id
        status
        expiresAt
        progress {
          answered
          total
        }
      }
      warnings {
        path
        code
        message
      }
      watchToken
    }
    ... on InvalidApplication {
      problems {
        path
        code
        message
      }
    }
    ... on RateLimited {
      retryAfterSeconds
    }
  }
}
`;

const WATCH = `# 2. Each insurer's answer as it arrives; QuotesCompleted
#    is always the last. The newest is shown on top.
#
# "${LAST_CREATED}" stands for the request created last. After
# a lost connection put the last cursor seen into "after".
subscription Quotes($requestId: ID!, $after: String) {
  quotes(requestId: $requestId, after: $after) {
    __typename
    ... on QuoteReceived {
      cursor
      progress {
        answered
        total
      }
      quote {
        id
        insurer {
          id
          name
        }
        status
        offer {
          number
          premium {
            amount
            currency
          }
          coefficients {
            baseRate
            territory
            bonusMalus
            ageExperience
            driverRestriction
            power
            season
          }
          validUntil
          purchaseUrl
        }
        reason {
          code
          message
        }
        receivedAt
      }
    }
    ... on QuotesCompleted {
      cursor
      outcome
      progress {
        answered
        total
      }
      bestQuote {
        insurer {
          name
        }
        offer {
          premium {
            amount
            currency
          }
          purchaseUrl
        }
      }
      stub {
        title
        message
        retryAfterSeconds
      }
    }
  }
}
`;

const LOOK = `# 3. The request as it stands now, the cheapest
#    first, and every insurer.
query QuoteRequest($requestId: ID!) {
  quoteRequest(id: $requestId) {
    id
    status
    createdAt
    expiresAt
    remainingSeconds
    progress {
      answered
      total
    }
    bestQuote {
      insurer {
        name
      }
      offer {
        premium {
          amount
          currency
        }
      }
    }
    quotes(orderBy: PREMIUM) {
      insurer {
        name
      }
      status
      offer {
        premium {
          amount
          currency
        }
      }
      reason {
        code
        message
      }
      receivedAt
    }
  }
  insurers {
    id
    name
    availability
  }
}
`;

/** A car of category B in Moscow with two drivers. */
function input(startsOn: string) {
  return {
    customerId: 'customer-1',
    application: {
      startsOn,
      usageMonths: 12,
      vehicle: {
        category: 'B',
        make: 'LADA',
        model: 'Vesta',
        year: 2021,
        enginePower: '106',
        licensePlate: 'А123ВС77',
        vin: 'XTAGFL110MY500001',
        document: {
          kind: 'REGISTRATION_CERTIFICATE',
          number: '9912345678',
          issuedOn: '2021-06-15',
        },
        purpose: 'PERSONAL',
        withTrailer: false, // has a default, but the editor underlines its absence
      },
      policyholder: {
        person: {
          lastName: 'Берёзкин',
          firstName: 'Илья',
          middleName: 'Андреевич',
          birthDate: '1985-03-14',
          document: {
            number: '4509123456',
            issuedOn: '2005-04-02',
          },
          address: {
            kladr: '7700000000000',
            text: 'г. Москва, ул. Примерная, д. 1, кв. 2',
          },
          phone: '+79161234567',
          email: 'ilya@example.com',
        },
      },
      drivers: {
        listed: [
          {
            lastName: 'Берёзкин',
            firstName: 'Илья',
            middleName: 'Андреевич',
            birthDate: '1985-03-14',
            license: { number: '9910123456' },
            drivingSince: '2004-06-01',
          },
          {
            lastName: 'Берёзкина',
            firstName: 'Анна',
            middleName: 'Сергеевна',
            birthDate: '1988-11-02',
            license: { number: '9911654321' },
            drivingSince: '2012-09-10',
          },
        ],
      },
      consent: {
        textVersion: '2026-09-01',
        givenAt: new Date().toISOString(),
        othersInformed: true,
      },
    },
  };
}

function pretty(variables: unknown): string {
  return JSON.stringify(variables, null, 2);
}
