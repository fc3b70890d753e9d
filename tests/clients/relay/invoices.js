// Lists inside lists, a refetchable type behind Node, and an interface with concrete types.
import { graphql } from "relay-runtime";

export const Invoice = graphql`
  fragment invoices_invoice on Invoice
  @argumentDefinitions(count: { type: "Int", defaultValue: 10 }, cursor: { type: "String" })
  @refetchable(queryName: "invoicesBreakdownPaginationQuery") {
    number
    total {
      ...people_money
    }
    memberBreakdown(first: $count, after: $cursor) @connection(key: "invoices_memberBreakdown") {
      edges {
        node {
          member {
            name
          }
          amount {
            ...people_money
          }
        }
      }
    }
  }
`;

export const Invoices = graphql`
  query invoicesPageQuery($organization: ID!) {
    node(id: $organization) {
      ... on Organization {
        invoices(first: 5) @connection(key: "invoices_invoices") {
          edges {
            node {
              id
              ...invoices_invoice
            }
          }
        }
      }
    }
  }
`;

export const Usage = graphql`
  mutation invoicesUsageMutation($input: RecordUsageInput!) {
    recordUsage(input: $input) {
      results {
        status
      }
      userErrors {
        __typename
        message
        ... on SpendLimitReached {
          shortfall {
            ...people_money
          }
          bindingLimit {
            id
          }
        }
      }
    }
  }
`;
